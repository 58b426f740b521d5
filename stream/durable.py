"""Files that are replaced whole and survive a power cut: there is always an old one or a new one, never half of one."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Write aside, sync, then move over what was there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
