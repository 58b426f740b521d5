"""Bytes to messages and back: any bytes become a message or a `Rejected` with its reason, and nothing is ever raised."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import get_args, get_type_hints

import msgspec
import numpy as np
from msgspec.structs import force_setattr

from stream.messages import AnyMessage, Ping
from stream.moments import EPOCH, Moment
from stream.reasons import Reason
from stream.texts import is_id

PING_BYTES = 4_096
"""Bytes of a ping: twenty times what one takes."""

MESSAGE_BYTES = 1 << 20
"""Bytes of any message; Redis is told the same (`proto-max-bulk-len`)."""

MAX_DEPTH = 32
"""Levels of nesting. A fence needs 6. A number of our own, because where msgspec gives up depends on the caller's stack."""

HEAD_BYTES = 1_024
"""Bytes of a refused input that are kept: a ping and most statuses as a whole, so that they can be put in again."""

KNOWN_IDS = 65_536
"""Ids that are remembered as well-formed, so that no ping pays for a pattern; all are forgotten when there are more."""

TYPES: dict[str, type[AnyMessage]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyMessage)}
"""The class of each message `type`."""

# How msgspec words its errors, most telling first. What it words anew in a later version falls to bad_type or bad_json; tests notice.
_WORDINGS: tuple[tuple[str, Reason], ...] = (
    (r"with a timezone component", Reason.NAIVE_TIME),
    (r"missing required field", Reason.MISSING_FIELD),
    (r"unknown field", Reason.UNKNOWN_FIELD),
    (r"^Invalid value .* - at `\$\.type`$", Reason.UNKNOWN_TYPE),
    (r"^Number out of range", Reason.NOT_FINITE),
    (r"^Integer value out of range|^Expected `int` [<>]", Reason.VALUE_RANGE),
    (r"of length >=", Reason.MISSING_FIELD),
    (r"of length <=", Reason.TOO_LARGE),
    (r"utf-16 surrogate", Reason.BAD_UTF8),
)
_PATTERNS = tuple((re.compile(wording, re.DOTALL), reason) for wording, reason in _WORDINGS)
_BAD_BYTE = re.compile(r"\(byte (\d+)\)$")
_NO_NUMBER = re.compile(rb"NaN|Infinity")
_QUOTED = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)

_EXACT_MS = 1 << 42  # up to the year 2109 a float of seconds still tells every millisecond


class _Head(msgspec.Struct):
    """What a refused message says of itself, whatever else is wrong with it."""

    type: object = None
    fleet_id: object = None
    vehicle_id: object = None


_DECODER: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)
_PING_DECODER = msgspec.json.Decoder(Ping)
_HEAD_DECODER = msgspec.json.Decoder(_Head)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_from_timestamp = datetime.fromtimestamp
_known_ids: set[str] = set()


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that is no message: why, in words too, its first bytes, and its type and ids where they can be read and are good."""

    reason: Reason
    detail: str = ""
    head: bytes = b""
    kind: str = ""
    fleet_id: str = ""
    vehicle_id: str = ""


def decode(payload: bytes) -> AnyMessage | Rejected:
    """Read one message; whatever the bytes are, the answer is a message or a `Rejected`.

    A message has the fields and types of its class, `fleet_id` (and a ping's `vehicle_id`) match `ID_PATTERN`, and all its times are
    aware datetimes in UTC. Whether its values are possible is for `judge` and `judge_pings`. Of a key that occurs twice the last counts.
    """
    size = len(payload)
    if size > MESSAGE_BYTES:
        return Rejected(Reason.TOO_LARGE, f"{size} bytes", payload[:HEAD_BYTES])
    try:
        message = _DECODER.decode(payload)
        if type(message) is not Ping:
            return _finish(payload, message)
        at = message.at
        if not isinstance(at, datetime) or at.tzinfo is not UTC:
            force_setattr(message, "at", _utc(at))  # frozen, but nobody else has seen it yet; `replace` costs twice as much
        if message.fleet_id not in _known_ids and not _admit(message.fleet_id):
            return _reject(payload, Reason.BAD_ID, f"fleet_id {message.fleet_id[:80]!r}")
        if message.vehicle_id not in _known_ids and not _admit(message.vehicle_id):
            return _reject(payload, Reason.BAD_ID, f"vehicle_id {message.vehicle_id[:80]!r}")
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        return _reject(payload, _reason(payload, error), str(error)[:HEAD_BYTES])
    return message if size <= PING_BYTES else _reject(payload, Reason.TOO_LARGE, f"{size} bytes")


def decode_pings(lines: bytes, count: int) -> list[Ping] | None:
    """The same for `count` JSON lines at once, if all of them are good pings of one fleet; None sends them through `decode` one by one.

    Times stay as the senders wrote them.
    """
    try:
        pings = _PING_DECODER.decode_lines(lines)
        times = [ping.at for ping in pings]
        if type(times[0]) is int:
            near = min(times) > -_EXACT_MS and max(times) < _EXACT_MS  # type: ignore[operator]  # or TypeError: they are mixed
        else:
            near = bool(min(times).year > 1 and max(times).year < 9999)  # type: ignore[union-attr]
        ids = {ping.fleet_id for ping in pings}
        if len(pings) != count or len(ids) != 1 or not near or max(map(len, lines.split(b"\n"))) > PING_BYTES:
            return None
    except (msgspec.DecodeError, ValueError, TypeError, IndexError, OverflowError, RecursionError):
        return None
    ids |= {ping.vehicle_id for ping in pings}
    return pings if ids <= _known_ids or all(name in _known_ids or _admit(name) for name in ids) else None


def encode(message: AnyMessage) -> bytes:
    """The message as canonical JSON: `type` first, then every field in its order, keys of dicts sorted.

    Defaults are written out, so that a log still means the same when a default changes. `decode` gives an equal message back if the
    message passes `judge`; NaN would become null, and half of a surrogate pair raises UnicodeEncodeError.
    """
    return _ENCODER.encode(message)


def _finish(payload: bytes, message: AnyMessage) -> AnyMessage | Rejected:
    if _is_too_deep(payload):
        return _reject(payload, Reason.TOO_DEEP, "nested too deep")
    if message.fleet_id not in _known_ids and not _admit(message.fleet_id):
        return _reject(payload, Reason.BAD_ID, f"fleet_id {message.fleet_id[:80]!r}")
    _times_to_utc(message)
    return message


def _admit(text: str) -> bool:
    """Whether the text is an id; if so it is remembered."""
    if not is_id(text):
        return False
    if len(_known_ids) >= KNOWN_IDS:
        _known_ids.clear()
    _known_ids.add(text)
    return True


def _utc(moment: Moment) -> datetime:
    """The moment as an aware datetime in UTC, exact to the millisecond; OverflowError outside the years 1..9999."""
    if isinstance(moment, int):
        return _from_timestamp(moment / 1000, UTC) if -_EXACT_MS < moment < _EXACT_MS else EPOCH + timedelta(milliseconds=moment)
    return moment.astimezone(UTC)


def _mentions(hint: object, wanted: type) -> bool:
    return (isinstance(hint, type) and issubclass(hint, wanted)) or any(_mentions(part, wanted) for part in get_args(hint))


@cache
def _fields_with(kind: type[msgspec.Struct], wanted: type) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(kind, include_extras=True).items() if _mentions(hint, wanted))


def _times_to_utc(part: msgspec.Struct) -> None:
    for name in _fields_with(type(part), datetime):
        if (moment := getattr(part, name)) is not None:
            force_setattr(part, name, _utc(moment))
    for name in _fields_with(type(part), msgspec.Struct):
        inner = getattr(part, name)
        for struct in inner if isinstance(inner, list) else () if inner is None else (inner,):
            _times_to_utc(struct)


def _is_too_deep(payload: bytes) -> bool:
    """Whether lists and objects are nested more than `MAX_DEPTH` deep; text in quotes does not count."""
    if payload.count(b"[") + payload.count(b"{") <= MAX_DEPTH:
        return False
    letters = np.frombuffer(_QUOTED.sub(b"", payload), np.uint8)
    opened = np.isin(letters, (ord("["), ord("{"))).astype(np.int32)
    return bool(np.cumsum(opened - np.isin(letters, (ord("]"), ord("}")))).max(initial=0) > MAX_DEPTH)


def _reason(payload: bytes, error: Exception) -> Reason:
    """The reason in what msgspec raised, by its class and its words."""
    if not payload.strip():
        return Reason.EMPTY
    match error:
        case RecursionError():
            return Reason.TOO_DEEP
        case OverflowError():
            return Reason.TS_RANGE
        case UnicodeError():
            return Reason.BAD_UTF8
    words = str(error)
    if (bad := _BAD_BYTE.search(words)) and _NO_NUMBER.match(payload, int(bad[1])):
        return Reason.NOT_FINITE
    fallback = Reason.BAD_TYPE if isinstance(error, msgspec.ValidationError) else Reason.BAD_JSON
    return next((reason for pattern, reason in _PATTERNS if pattern.search(words)), fallback)


def _reject(payload: bytes, reason: Reason, detail: str) -> Rejected:
    """Reject for `reason`, unless the payload is too deep or a ping too large: these come first, whatever else is wrong."""
    head = payload[:HEAD_BYTES]
    if _is_too_deep(payload):
        return Rejected(Reason.TOO_DEEP, detail, head)  # how far a look inside would come depends on the caller's stack
    try:
        said = _HEAD_DECODER.decode(payload)
    except (msgspec.DecodeError, ValueError):
        return Rejected(reason, detail, head)
    kind = said.type if isinstance(said.type, str) and said.type in TYPES else ""
    fleet_id, vehicle_id = (text if isinstance(text, str) and is_id(text) else "" for text in (said.fleet_id, said.vehicle_id))
    if kind == "ping" and len(payload) > PING_BYTES:
        reason = Reason.TOO_LARGE
    return Rejected(reason, detail, head, kind, fleet_id, vehicle_id)
