"""The engine with one thread more, which writes every 2 s what its memory is made of into `inside` of its state folder.

    python benchmarks/reliability/inside.py --shards 0-15 --state-dir DIR

A line is: seconds of a steady clock, MB that C has handed out and not had back (heap and large pieces), MB of the heap that wait to be used
again, thousands of Python's blocks. What is never let go shows in the first and the last of them, even where the resident memory does not
grow because it finds room in what others left. Linux with glibc only.
"""

import ctypes
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVERY_S = 2.0


class _Mallinfo2(ctypes.Structure):
    """`struct mallinfo2` of glibc's malloc.h."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = [(name, ctypes.c_size_t) for name in _names]


@dataclass(frozen=True)
class Inside:
    """One line; see above."""

    at_s: float
    used_mb: float
    idle_mb: float
    kilo_blocks: float


def read(state_dir: Path) -> list[Inside]:
    """What an engine of this folder has written."""
    lines = (state_dir / "inside").read_text().splitlines()
    return [Inside(*map(float, line.split())) for line in lines]


def _write(state_dir: Path) -> None:
    library: Any = ctypes.CDLL(None)
    library.mallinfo2.restype = _Mallinfo2
    with (state_dir / "inside").open("w", buffering=1) as file:
        while True:
            told = library.mallinfo2()
            used_mb, idle_mb = (told.uordblks + told.hblkhd) / 2**20, told.fordblks / 2**20
            file.write(f"{time.monotonic():.1f} {used_mb:.3f} {idle_mb:.3f} {sys.getallocatedblocks() / 1000:.1f}\n")
            time.sleep(EVERY_S)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from stream.live.__main__ import main

    folder = Path(sys.argv[sys.argv.index("--state-dir") + 1])
    threading.Thread(target=_write, args=(folder,), daemon=True).start()
    main()
