"""Who keeps the log for good: recorders (and back-ups while they are taken), for whose sake the log is not let go of. Pure.

Nobody is waited for without an end: not one that has been silent for too long, and not once the log has become twice as large as it may be.
"""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from stream.live.log_entry import id_order


class RecorderMark(Struct, frozen=True):
    """A recorder when it was last heard of (wall clock), and up to which stream id it has each shard for good."""

    at_us: int
    ids: dict[str, str]
    silent_s: float | None = None
    """How long it may be silent, where it is not as long as the settings say."""


_decoder = msgspec.json.Decoder(RecorderMark)


def read_marks(stored: Mapping[bytes, bytes]) -> Iterator[tuple[str, RecorderMark]]:
    """The marks in the hash `fc1:recorders`; what nobody can read names nobody."""
    for name, mark in stored.items():
        try:
            yield name.decode(errors="replace"), _decoder.decode(mark)
        except msgspec.DecodeError:
            continue


def is_away(mark: RecorderMark, now_us: int, patience_s: float) -> bool:
    """Whether it has been silent for too long to be waited for."""
    return now_us - mark.at_us > (patience_s if mark.silent_s is None else mark.silent_s) * 1e6


def needed(marks: Mapping[str, RecorderMark], shard: int) -> tuple[str, str] | None:
    """The stream id from which somebody still needs a shard, and who; None where nobody is registered."""
    ids = [(mark.ids.get(str(shard), "0-0"), name) for name, mark in marks.items()]
    return min(ids, key=lambda one: id_order(one[0]), default=None)
