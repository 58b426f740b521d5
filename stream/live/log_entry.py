"""One entry of a shard's stream in Redis: up to 100 messages, each with its place in the log and the time at which it was received.

Fields: `c` number of the first message in its shard (counted from 0 without gaps, so that a lost one is noticed), `n` how many messages,
`t` when they were received (microseconds; one number for all, or one each), `m` the messages as JSON lines.
"""

from collections.abc import Iterator, Mapping, Sequence

from stream.intake import Entry

MOST = 100
"""Messages of an entry: reading one of 100 costs a tenth, a message, of reading 100 of one."""

_SEQ_BITS, _PLACE_BITS = 14, 7
"""A position is the stream id and the place in the entry in one number, so it rises even when Redis has lost its last second: 42 bits
of milliseconds (until 2109), 14 of the id's sequence, 7 of the place."""
_MOST_SEQ, _MOST_MILLIS = (1 << _SEQ_BITS) - 1, (1 << (63 - _SEQ_BITS - _PLACE_BITS)) - 1

_LAST_US = 253_402_300_800_000_000
"""The year 10,000, which no datetime holds."""


class BadEntry(ValueError):
    """A stream entry that no appender of ours wrote."""


def position_of(stream_id: bytes | str, place: int = 0) -> int:
    """The log position of a message. Raises `BadEntry` for an id that does not fit."""
    millis, seq = _parts(stream_id)
    if seq > _MOST_SEQ or millis > _MOST_MILLIS:
        raise BadEntry(f"stream id {millis}-{seq} is not one that our appenders give")
    return ((millis << _SEQ_BITS | seq) << _PLACE_BITS) | place


def position_near(stream_id: bytes) -> int:
    """The log position of any entry at all; ids that do not fit share the last one that does."""
    millis, seq = _parts(stream_id)
    return position_of(f"{min(millis, _MOST_MILLIS)}-{min(seq, _MOST_SEQ)}")


def _parts(stream_id: bytes | str) -> tuple[int, int]:
    millis, _, seq = (stream_id.decode() if isinstance(stream_id, bytes) else stream_id).partition("-")
    return int(millis), int(seq)


def place_in(position: int) -> int:
    """The place of a message in its entry."""
    return position & ((1 << _PLACE_BITS) - 1)


def id_of(position: int) -> str:
    """The stream id of the entry in which a message stands."""
    millis, seq = divmod(position >> _PLACE_BITS, 1 << _SEQ_BITS)
    return f"{millis}-{seq}"


def id_order(stream_id: str) -> tuple[int, int]:
    """What sorts stream ids as Redis does."""
    return _parts(stream_id)


def id_before(position: int) -> str:
    """The greatest stream id below the entry of a position: reading on from it gives that entry again."""
    millis, seq = divmod(position >> _PLACE_BITS, 1 << _SEQ_BITS)
    if position < 0 or (millis, seq) == (0, 0):
        return "0-0"
    return f"{millis}-{seq - 1}" if seq else f"{millis - 1}-{(1 << 64) - 1}"


def pack(messages: Sequence[bytes], received_us: Sequence[int] | None = None) -> tuple[int, bytes, bytes]:
    """Count, times and text of an entry; without times Redis puts its own. Messages must hold no line end."""
    times = b"" if received_us is None else b",".join(b"%d" % moment for moment in received_us)
    return len(messages), times, b"\n".join(messages)


def head(stream_id: bytes, fields: Mapping[bytes, bytes]) -> tuple[int, int, list[int]]:
    """Position and number of the first message of an entry, and when each was received. Raises `BadEntry`."""
    try:
        number, count, times = int(fields[b"c"]), int(fields[b"n"]), fields[b"t"].split(b",")
        if not 1 <= count <= MOST:
            raise BadEntry(f"entry {stream_id.decode()} says {count} messages")
        received_us = [int(times[0])] * count if len(times) == 1 else [int(moment) for moment in times]
    except (KeyError, ValueError) as error:
        raise BadEntry(f"entry {stream_id.decode()} lacks something or is garbled: {error}") from error
    if len(received_us) != count or b"m" not in fields:
        raise BadEntry(f"entry {stream_id.decode()} says {count} messages, and holds {len(received_us)} times")
    if number < 0 or not all(0 <= moment < _LAST_US for moment in received_us):
        raise BadEntry(f"entry {stream_id.decode()} has a number or a time that cannot be")
    return position_of(stream_id), number, received_us


def unpack(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Iterator[Entry]:
    """The messages of an entry. Raises `BadEntry`."""
    first, _, received_us = head(stream_id, fields)
    lines = fields[b"m"].split(b"\n")
    if len(lines) != len(received_us):
        raise BadEntry(f"entry {stream_id.decode()} says {len(received_us)} messages, and holds {len(lines)}")
    for place, (moment, line) in enumerate(zip(received_us, lines, strict=True)):
        yield Entry(first + place, moment, line)
