"""Memory that nobody uses any more goes back to the machine.

The C library keeps what a large stretch or a checkpoint used for the next one, in more and more places as days go by: an engine at the same
work would grow by some megabytes an hour. glibc can be told to keep one heap instead of one for each thread, and gives whole free pages
back where it is asked to: some milliseconds for 100 MB. Other C libraries are left as they are.
"""

import ctypes
import gc
from functools import cache

GIVE_BACK_EVERY_S = 30.0
"""Pages that are given back and used again cost 0.2 us a kilobyte: not after each checkpoint of a thousand fleets."""
TOGETHER_S = 5.0
"""Checkpoints that come so shortly one after the other are one occasion to give back: the last one's end."""

_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def keep_one_heap() -> None:
    """One heap for all threads, of which one at a time does most of the work anyway; to be called before there are any others."""
    if (library := _glibc()) is not None:
        library.mallopt(_ARENA_MAX, 1)


def collect_rarely() -> None:
    """Nothing of ours holds itself in a circle, and looking through a million visits for circles stops the flow for a tenth of a second."""
    gc.set_threshold(200_000, 100, 100)


def give_back() -> None:
    """Give free pages back; other threads of Python go on meanwhile."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)
