"""From what was received to what may be applied: judged stretches of fleets' logs, with everything refused accounted for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from eta_models.columns import Floats, Ints
from geofences.cells import cells_of
from stream.batches import FleetBatch, Notice, Pings, Refusal, no_pings
from stream.codec import Rejected, decode
from stream.judge import judge
from stream.judge_pings import clean_optional, judge_pings, normal_lon
from stream.judge_policy import JudgePolicy
from stream.messages import AnyMessage, Ping
from stream.moments import micros
from stream.reasons import REASONS


class Entry(Struct, frozen=True):
    """One entry of a log: where it stands in its shard, when it was received (microseconds), and its bytes."""

    position: int
    received_us: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Fixes:
    """Pings in columns as they were received, not judged yet; an absent optional value is NaN."""

    position: Ints
    received_us: Ints
    at_us: Ints
    vehicle: Ints
    lat: Floats
    lon: Floats
    speed_mps: Floats
    heading_deg: Floats
    accuracy_m: Floats
    names: Sequence[str]


def judge_fixes(policy: JudgePolicy, fixes: Fixes) -> tuple[Pings, list[Refusal]]:
    """Judge pings and find the cell of each that stands."""
    verdict = judge_pings(
        policy, fixes.received_us, fixes.at_us, fixes.lat, fixes.lon, fixes.speed_mps, fixes.heading_deg, fixes.accuracy_m
    )
    refusals = [
        Refusal(int(fixes.position[i]), int(fixes.received_us[i]), str(REASONS[verdict[i]]), "ping", fixes.names[int(fixes.vehicle[i])])
        for i in np.flatnonzero(verdict).tolist()
    ]
    good = np.flatnonzero(verdict == 0)
    optional = clean_optional(policy, fixes.speed_mps[good], fixes.heading_deg[good])
    lat, lon = fixes.lat[good], normal_lon(fixes.lon[good])
    position, cells = fixes.position[good], cells_of(lat, lon)
    lost = position[optional.speed_dropped], position[optional.heading_dropped]
    columns = (position, fixes.received_us[good], fixes.at_us[good], fixes.vehicle[good], lat, lon)
    return Pings(*columns, optional.speed_mps, optional.heading_deg, fixes.accuracy_m[good], cells, fixes.names, *lost), refusals


@dataclass(slots=True)
class _Pile:
    """What of one fleet was found in a run of entries."""

    pings: list[tuple[Entry, Ping]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def read_entries(policy: JudgePolicy, entries: Iterable[Entry]) -> list[FleetBatch]:
    """Decode and judge entries of one shard; one batch a fleet, refusals that name no fleet under the fleet ``""``."""
    piles: dict[str, _Pile] = {}
    for entry in entries:
        message = decode(entry.payload)
        pile = piles.setdefault(message.fleet_id, _Pile())
        if isinstance(message, Rejected):
            pile.refusals.append(
                Refusal(entry.position, entry.received_us, str(message.reason), message.kind, message.vehicle_id, message.head)
            )
        elif isinstance(message, Ping):
            pile.pings.append((entry, message))
        else:
            _add(policy, pile, entry, message)
    return [_batch(policy, fleet_id, pile) for fleet_id, pile in sorted(piles.items())]


def _add(policy: JudgePolicy, pile: _Pile, entry: Entry, message: AnyMessage) -> None:
    reason = judge(policy, message, entry.received_us)
    if reason is None:
        pile.notices.append(Notice(entry.position, entry.received_us, micros(message.at), message))
    else:
        vehicle_id = getattr(message, "vehicle_id", "") or ""
        pile.refusals.append(
            Refusal(entry.position, entry.received_us, str(reason), str(message.__struct_config__.tag), vehicle_id, entry.payload[:200])
        )


def _batch(policy: JudgePolicy, fleet_id: str, pile: _Pile) -> FleetBatch:
    pings, refusals = judge_fixes(policy, _fixes(pile.pings)) if pile.pings else (no_pings(), [])
    return FleetBatch(fleet_id, pings, pile.notices, [*pile.refusals, *refusals])


def _fixes(pings: Sequence[tuple[Entry, Ping]]) -> Fixes:
    names = sorted({ping.vehicle_id for _, ping in pings})
    code = {name: i for i, name in enumerate(names)}
    whole = np.array([(e.position, e.received_us, micros(p.at), code[p.vehicle_id]) for e, p in pings], dtype=np.int64)
    real = np.array(
        [(p.lat, p.lon, _or_nan(p.speed_mps), _or_nan(p.heading_deg), _or_nan(p.accuracy_m)) for _, p in pings], dtype=np.float64
    )
    position, received_us, at_us, vehicle = (np.ascontiguousarray(column) for column in whole.T)
    lat, lon, speed_mps, heading_deg, accuracy_m = (np.ascontiguousarray(column) for column in real.T)
    return Fixes(position, received_us, at_us, vehicle, lat, lon, speed_mps, heading_deg, accuracy_m, names)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
