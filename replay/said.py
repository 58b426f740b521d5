"""What was said on a recorded day besides pings: a row of a table, read by the codec as if it had come over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from stream.codec import TYPES, Rejected, decode
from stream.messages import AnyMessage

FENCE, VEHICLE, PLAN, STATUS = range(4)
"""Ranks of what was said among entries of the same moment; pings and ticks come behind."""

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Said:
    """A message, or why the row is none, with when it was received (microseconds) and its rank among entries of the same moment."""

    received_us: int
    rank: int
    fleet_id: str
    message: AnyMessage | Rejected


def said(received_us: int, rank: int, fields: Mapping[str, object]) -> Said:
    """The message of these fields (`type` and `fleet_id` among them); a field that is None is left out."""
    there, fleet_id = {name: value for name, value in fields.items() if value is not None}, str(fields["fleet_id"])
    kind = TYPES.get(str(there.get("type")))
    try:
        message: AnyMessage | Rejected = decode(_ENCODER.encode(there)) if kind is None else msgspec.convert(there, kind)
    except msgspec.ValidationError:
        message = decode(_ENCODER.encode(there))  # which knows the reason
    return Said(received_us, rank, fleet_id, message)
