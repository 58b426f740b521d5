"""Under whose name stands what a shard holds and no fleet owns: refused inputs that name no fleet, and strays."""

import re

_NOBODY = re.compile(r"~\d\d")


def nobody(shard: int) -> str:
    """The name; no fleet can be called so."""
    return f"~{shard:02d}"


def is_nobody(fleet_id: str) -> bool:
    """Whether it is such a name."""
    return _NOBODY.fullmatch(fleet_id) is not None
