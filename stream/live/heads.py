"""The bytes of what was refused: the judge of pings sees columns only, and names places."""

from collections.abc import Mapping, Sequence

import msgspec

from stream.batches import Refusal
from stream.codec import HEAD_BYTES
from stream.live.log_entry import place_in, position_near


def with_heads(refusals: Sequence[Refusal], entries: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Refusal]:
    """The refusals of some stream entries, each with the beginning of what came."""
    if all(refusal.head for refusal in refusals):
        return list(refusals)
    texts = {position_near(stream_id): fields.get(b"m", b"") for stream_id, fields in entries}
    found = []
    for refusal in refusals:
        place = place_in(refusal.position)
        lines = texts.get(refusal.position - place, b"").split(b"\n", place + 1)
        is_there = not refusal.head and place < len(lines)
        found.append(msgspec.structs.replace(refusal, head=lines[place][:HEAD_BYTES]) if is_there else refusal)
    return found
