"""From what was received to what may be applied: judged stretches of fleets' logs, with everything refused accounted for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from eta_models.columns import Floats, Ints
from geofences.cells import cells_of
from stream.batches import FleetBatch, Notice, Pings, Refusal, joined_pings, no_pings
from stream.codec import HEAD_BYTES, Rejected, decode
from stream.fault import fault
from stream.judge import judge
from stream.judge_pings import clean_optional, judge_pings, normal_lon
from stream.judge_policy import JudgePolicy
from stream.messages import AnyMessage, Ping
from stream.moments import Moment, micros
from stream.reasons import REASONS, Reason


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
    """What of one fleet was found in a run of entries; of pings the places, the times of receipt and the messages."""

    positions: list[int] = field(default_factory=list)
    received_us: list[int] = field(default_factory=list)
    pings: list[Ping] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def halves(self) -> "tuple[_Pile, _Pile]":
        """Its pings in two."""
        middle = len(self.pings) // 2
        parts = ((self.positions[part], self.received_us[part], self.pings[part]) for part in (slice(middle), slice(middle, None)))
        return _Pile(*next(parts)), _Pile(*next(parts))


@dataclass(slots=True)
class Intake:
    """Entries of one shard as they are taken, and what they make: one judged batch a fleet.

    A message on which decoding or judging itself fails is refused as `internal`, alone, whatever was taken with it.
    """

    policy: JudgePolicy
    piles: dict[str, _Pile] = field(default_factory=dict)

    def take(self, entries: Iterable[Entry]) -> None:
        """Decode and judge entries one by one. Refusals that name no fleet stand under the fleet ``""``."""
        for entry in entries:
            try:
                self._take(entry)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is costs this entry only)
                head = (fault(error) + b" " + entry.payload)[:HEAD_BYTES]
                self._pile("").refusals.append(Refusal(entry.position, entry.received_us, str(Reason.INTERNAL), head=head))

    def _take(self, entry: Entry) -> None:
        message = decode(entry.payload)
        pile = self._pile(message.fleet_id)
        if isinstance(message, Rejected):
            said = str(message.reason), message.kind, message.vehicle_id, message.head
            pile.refusals.append(Refusal(entry.position, entry.received_us, *said))
        elif isinstance(message, Ping):
            pile.positions.append(entry.position)
            pile.received_us.append(entry.received_us)
            pile.pings.append(message)
        else:
            _add(self.policy, pile, entry, message)

    def take_pings(self, position: int, received_us: Sequence[int], pings: Sequence[Ping]) -> None:
        """Pings of one fleet with rising places from `position` on, as `decode_pings` gives them."""
        pile = self._pile(pings[0].fleet_id)
        pile.positions.extend(range(position, position + len(pings)))
        pile.received_us.extend(received_us)
        pile.pings.extend(pings)

    def _pile(self, fleet_id: str) -> _Pile:
        return self.piles.get(fleet_id) or self.piles.setdefault(fleet_id, _Pile())

    def batches(self) -> list[FleetBatch]:
        """What was taken, fleets in the order of their ids."""
        return [_batch(self.policy, fleet_id, pile) for fleet_id, pile in sorted(self.piles.items())]


def read_entries(policy: JudgePolicy, entries: Iterable[Entry]) -> list[FleetBatch]:
    """Decode and judge entries of one shard; one batch a fleet, refusals that name no fleet under the fleet ``""``."""
    intake = Intake(policy)
    intake.take(entries)
    return intake.batches()


def _add(policy: JudgePolicy, pile: _Pile, entry: Entry, message: AnyMessage) -> None:
    reason = judge(policy, message, entry.received_us)
    if reason is None:
        pile.notices.append(Notice(entry.position, entry.received_us, micros(message.at), message))
    else:
        vehicle_id = getattr(message, "vehicle_id", "") or ""
        pile.refusals.append(
            Refusal(
                entry.position, entry.received_us, str(reason), str(message.__struct_config__.tag), vehicle_id, entry.payload[:HEAD_BYTES]
            )
        )


def _batch(policy: JudgePolicy, fleet_id: str, pile: _Pile) -> FleetBatch:
    pings, refusals = _judged(policy, pile) if pile.pings else (no_pings(), [])
    return FleetBatch(fleet_id, pings, pile.notices, [*pile.refusals, *refusals])


def _judged(policy: JudgePolicy, pile: _Pile) -> tuple[Pings, list[Refusal]]:
    """All pings at once; where that fails in halves, until those at fault stand alone."""
    try:
        return judge_fixes(policy, _fixes(pile))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (as above)
        if len(pile.pings) == 1:
            vehicle_id = pile.pings[0].vehicle_id
            return no_pings(), [Refusal(pile.positions[0], pile.received_us[0], str(Reason.INTERNAL), "ping", vehicle_id, fault(error))]
    (first, one), (second, other) = (_judged(policy, half) for half in pile.halves())
    return joined_pings([first, second]), [*one, *other]


def _fixes(pile: _Pile) -> Fixes:
    pings = pile.pings
    vehicle_ids = [ping.vehicle_id for ping in pings]
    names = sorted(set(vehicle_ids))
    code = dict(zip(names, range(len(names)), strict=True))
    position, received_us = np.array(pile.positions, dtype=np.int64), np.array(pile.received_us, dtype=np.int64)
    return Fixes(
        position,
        received_us,
        at_us=_micros([ping.at for ping in pings]),
        vehicle=np.array([code[name] for name in vehicle_ids], dtype=np.int64),
        lat=np.array([ping.lat for ping in pings], dtype=np.float64),
        lon=np.array([ping.lon for ping in pings], dtype=np.float64),
        speed_mps=_optional([ping.speed_mps for ping in pings]),
        heading_deg=_optional([ping.heading_deg for ping in pings]),
        accuracy_m=_optional([ping.accuracy_m for ping in pings]),
        names=names,
    )


def _micros(moments: Sequence[Moment]) -> Ints:
    """Microseconds since 1970. Epoch milliseconds, as devices send them, go in one sweep."""
    if set(map(type, moments)) == {int}:
        return np.array(moments, dtype=np.int64) * 1000
    return np.array([micros(moment) for moment in moments], dtype=np.int64)


def _optional(values: Sequence[float | None]) -> Floats:
    """A column of which some or all are absent: of None numpy makes NaN, but not quickly."""
    if values.count(None) == len(values):
        return np.full(len(values), np.nan)
    return np.array(values, dtype=np.float64)
