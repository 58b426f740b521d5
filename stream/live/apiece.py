"""What is made for Redis of many things at once: one on which it fails costs itself, is said, and stays as it stands."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from stream.fault import fault

log = structlog.get_logger()

Thing = TypeVar("Thing")


def apiece(what: str, things: Sequence[Thing], do: Callable[[list[Thing]], None]) -> None:
    """`do` it for all at once; where that fails for halves, until those at fault stand alone. `do` changes nothing when it fails."""
    if not things:
        return
    try:
        do(list(things))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is must not end the process)
        if len(things) == 1:
            say_not_shown(what, str(things[0]), error)
            return
        middle = len(things) // 2
        apiece(what, things[:middle], do)
        apiece(what, things[middle:], do)


def say_not_shown(what: str, name: str, error: BaseException) -> None:
    """Which thing, and where it failed; not what the error says: that may be something of a message."""
    log.error("not_shown", what=what, name=name[:200], fault=fault(error).decode())
