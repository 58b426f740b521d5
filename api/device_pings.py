"""From what a device says to a ping: what its protocols share. What cannot be read stays as it is, for the codec to refuse."""

from datetime import datetime
from typing import Any

import msgspec

from stream.codec import HEAD_BYTES, Rejected
from stream.reasons import Reason

KNOTS = (1_852.0, 3_600.0)
"""Metres in seconds: a nautical mile is 1,852 m."""

KMH = (1_000.0, 3_600.0)

SECONDS_BELOW = 2**31 - 1
"""Whole times below this are seconds, others milliseconds: Traccar's rule, which holds for times after January 1970."""

Fields = dict[str, Any]
"""The fields of a JSON object, or of a query: nothing is known of them yet."""

_EXACT = 2**53  # larger numbers are nonsense, and may not even fit a float
_objects = msgspec.json.Decoder(dict[str, Any])


def object_in(fleet_id: str, body: bytes) -> Fields | Rejected:
    """The JSON object that a body is."""
    try:
        return _objects.decode(body)
    except msgspec.ValidationError as error:
        return Rejected(Reason.BAD_TYPE, str(error), body[:HEAD_BYTES], "ping", fleet_id)
    except RecursionError:
        return Rejected(Reason.TOO_DEEP, "", body[:HEAD_BYTES], "ping", fleet_id)
    except (msgspec.DecodeError, ValueError) as error:
        return Rejected(Reason.EMPTY if not body.strip() else Reason.BAD_JSON, str(error), body[:HEAD_BYTES], "ping", fleet_id)


def part_of(fields: Fields, name: str) -> Fields:
    """The object in a field; empty where there is none."""
    part = fields.get(name)
    return part if isinstance(part, dict) else {}


def no_fix(fleet_id: str, sent: bytes) -> Rejected:
    """The refusal of a position that its sender calls invalid."""
    return Rejected(Reason.ACCURACY, "the sender says that the fix is not valid", sent[:HEAD_BYTES], "ping", fleet_id)


def number(value: object) -> object:
    """The number that a text holds; everything else, and a text that holds none, as it is."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def speed_mps(value: object, unit: tuple[float, float]) -> object:
    """A speed of some unit in m/s; None for a negative one, which is how devices say "unknown"."""
    value = known(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _EXACT:
        return value
    return value * unit[0] / unit[1]


def known(value: object) -> object:
    """A number; None for a negative one, which is how devices say "unknown"."""
    value = number(value)
    return None if isinstance(value, int | float) and value < 0 else value


def positive(value: object) -> object:
    """A number; None for 0, which is how devices say "no idea how accurate". A negative accuracy means a bad fix, and is left."""
    value = number(value)
    return None if value == 0 and not isinstance(value, bool) else value


def moment(value: object) -> object:
    """A time: seconds or milliseconds since 1970 as number or text, or ISO 8601 with an offset, also `+0000`, which RFC 3339 lacks.

    A time without an offset stays a text: the codec refuses it as `naive_time`.
    """
    value = number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        millis = value * 1000 if abs(value) < SECONDS_BELOW else value
        return round(millis) if abs(millis) < _EXACT else value
    if not isinstance(value, str):
        return value
    text = value.strip()
    day, t, rest = text.partition("T")
    try:
        found = datetime.fromisoformat(day + t + rest.replace(" ", "+"))  # a plus that nobody escaped is a space in a query
    except ValueError:
        return text
    return found.isoformat() if found.tzinfo is None else found


def ping_line(fleet_id: str, fields: Fields, sent: bytes) -> bytes | Rejected:
    """The ping of these fields as JSON; those that are None are left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        return msgspec.json.encode({"type": "ping", "fleet_id": fleet_id, **said})
    except (msgspec.MsgspecError, OverflowError, ValueError, TypeError) as error:
        return Rejected(Reason.BAD_TYPE, str(error), sent[:HEAD_BYTES], "ping", fleet_id)


def device_name(value: object) -> object:
    """The id of a device: numbers are ids as well."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
