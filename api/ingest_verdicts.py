"""From items to what may be appended: each read, and judged as the engine will judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from geofences.fences import InvalidFence
from stream.codec import HEAD_BYTES, Rejected, decode
from stream.fence_facts import fence_from
from stream.fence_messages import FencePolicyPut
from stream.fence_rules import FencePolicy
from stream.judge import judge
from stream.judge_pings import judge_pings
from stream.judge_policy import JudgePolicy
from stream.messages import AnyMessage, FencePut, Ping
from stream.moments import micros
from stream.reasons import REASONS, Reason

Item = bytes | Rejected
"""What was sent; refused already where its protocol says so."""


class Wanted(msgspec.Struct, frozen=True):
    """What an address takes: the types, and the type and fleet of items that leave them out ("" where they must not)."""

    types: frozenset[str]
    default_type: str = ""
    default_fleet: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Items as they were read, row by row: what was sent, the line that would stand in the log, and the message or why it is none."""

    items: Sequence[Item]
    lines: list[bytes]
    messages: list[AnyMessage | Rejected]


def read_items(items: Sequence[Item], wanted: Wanted) -> Reading:
    """Read every item. What is sent complete goes into the log as it came, byte by byte; only line ends become spaces."""
    prefix = _prefix(wanted)
    usual = Ping if "ping" in wanted.types else None
    lines: list[bytes] = []
    messages: list[AnyMessage | Rejected] = []
    for item in items:
        line, message = (b"", item) if isinstance(item, Rejected) else _read(item, prefix)
        if not isinstance(message, Rejected) and type(message) is not usual:
            message = _wanted(message, wanted)
        lines.append(line.replace(b"\n", b" ") if b"\n" in line else line)  # outside a text it is white space, inside it is no JSON
        messages.append(message)
    return Reading(items, lines, messages)


def judge_reading(policy: JudgePolicy, reading: Reading, received_us: Mapping[str, int]) -> list[Rejected | None]:
    """For each row why it is refused, None where it is fine. `received_us`: microseconds since 1970 for every fleet of the reading."""
    verdicts: list[Rejected | None] = []
    rows: list[int] = []
    pings: list[Ping] = []
    for row, message in enumerate(reading.messages):
        if type(message) is Ping:
            rows.append(row)
            pings.append(message)
            verdicts.append(None)
        elif isinstance(message, Rejected):
            verdicts.append(_with_head(message, reading.items[row]))
        else:
            verdicts.append(_judged(policy, message, received_us[message.fleet_id], reading.items[row]))
    codes = _judge_pings(policy, pings, received_us) if pings else []
    for place, code in enumerate(codes):
        if code:
            verdicts[rows[place]] = _rejected(pings[place], REASONS[code], "", reading.items[rows[place]])
    return verdicts


def _prefix(wanted: Wanted) -> bytes:
    """Type and fleet before the fields of an item: of a key that occurs twice the last counts, so what the sender says wins."""
    said = {"type": wanted.default_type, "fleet_id": wanted.default_fleet}
    return msgspec.json.encode({key: value for key, value in said.items() if value})[:-1]


def _read(item: bytes, prefix: bytes) -> tuple[bytes, AnyMessage | Rejected]:
    complete = b'"type"' in item and b'"fleet_id"' in item  # or so it seems: the words may stand in a text
    if not complete:
        item = _prefixed(item, prefix)
    message = decode(item)
    if complete and isinstance(message, Rejected) and message.reason is Reason.MISSING_FIELD:
        item = _prefixed(item, prefix)
        message = decode(item)
    return item, message


def _prefixed(item: bytes, prefix: bytes) -> bytes:
    fields = item.lstrip()
    if not fields.startswith(b"{") or prefix == b"{":
        return item
    rest = fields[1:].lstrip()
    return prefix + (rest if rest.startswith(b"}") else b"," + rest)


def _wanted(message: AnyMessage, wanted: Wanted) -> AnyMessage | Rejected:
    kind = str(message.__struct_config__.tag)
    if kind in wanted.types:
        return message
    taken = f"only {next(iter(wanted.types))} is" if len(wanted.types) == 1 else "every other is"
    detail = f"{kind} is not taken here, {taken}"
    return Rejected(Reason.UNKNOWN_TYPE, detail, b"", kind, message.fleet_id, getattr(message, "vehicle_id", "") or "")


def _judged(policy: JudgePolicy, message: AnyMessage, received_us: int, item: Item) -> Rejected | None:
    if reason := judge(policy, message, received_us):
        return _rejected(message, reason, _flaw(message) if reason == Reason.BAD_POLICY else "", item)
    if isinstance(message, FencePut):
        try:
            fence_from(message)
        except InvalidFence as flaw:
            return _rejected(message, Reason.BAD_FENCE, flaw.reason, item)
    return None


def _flaw(message: AnyMessage) -> str:
    """What is wrong with the policy of a kind of fences."""
    if isinstance(message, FencePolicyPut):
        try:
            FencePolicy().changed(message.fields)
        except ValueError as flaw:
            return str(flaw)
    return ""


def _judge_pings(policy: JudgePolicy, pings: Sequence[Ping], received_us: Mapping[str, int]) -> list[int]:
    whole = np.array([(received_us[ping.fleet_id], micros(ping.at)) for ping in pings], np.int64)
    real = np.array([(ping.lat, ping.lon, ping.speed_mps, ping.heading_deg, ping.accuracy_m) for ping in pings], np.float64)  # None is NaN
    codes: list[int] = judge_pings(policy, *whole.T, *real.T).tolist()
    return codes


def _rejected(message: AnyMessage, reason: Reason | None, detail: str, item: Item) -> Rejected:
    vehicle_id = getattr(message, "vehicle_id", "") or ""
    kind = str(message.__struct_config__.tag)
    return _with_head(Rejected(reason or Reason.INTERNAL, detail, b"", kind, message.fleet_id, vehicle_id), item)


def _with_head(refused: Rejected, item: Item) -> Rejected:
    """The refusal with the first bytes as they were sent, before anything was put in front of them."""
    if isinstance(item, Rejected):
        return refused
    return Rejected(refused.reason, refused.detail, item[:HEAD_BYTES], refused.kind, refused.fleet_id, refused.vehicle_id)
