"""Past capacity pings are thinned: of each vehicle the newest between two ticks stands, and those before something else is said of it.

How far the engine is behind stands in the ticks, so what is thinned depends on the log only. Meanwhile a fleet is taken a tick at a time:
which ping is the newest is known at the tick. Statuses and plans are never dropped.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eta_models.columns import Ints
from stream.batches import FleetBatch
from stream.messages import Tick
from stream.reasons import Reason


@dataclass(frozen=True, slots=True)
class ThinPolicy:
    """When pings are thinned. Who catches up by himself, after a restart or an outage, thins nothing."""

    from_s: float = 10.0
    """Seconds that two ticks in a row say the engine is behind, the second no less than the first: a tick is late itself then."""
    until_s: float = 2.0
    """Seconds below which every ping counts again."""


class Thinning(Protocol):
    """What of a fleet's state this is about."""

    thins: int
    behind_us: int


def thins(policy: ThinPolicy, thinning: int, before_us: int, tick: Tick) -> tuple[int, int]:
    """Whether pings are thinned behind a tick (1), and what it said, in microseconds."""
    behind_us, from_us = round(tick.behind_s * 1e6), policy.from_s * 1e6
    return int(behind_us >= policy.until_s * 1e6 if thinning else behind_us >= before_us >= from_us), behind_us


def thin(policy: ThinPolicy, state: Thinning, batch: FleetBatch) -> tuple[FleetBatch | None, FleetBatch | None]:
    """What may be applied of a stretch that goes on from the state, with older pings refused; and what waits for its tick."""
    thinning, behind_us, begun, spans = state.thins, state.behind_us, -1, list[tuple[int, int]]()
    for notice in batch.notices:
        if isinstance(notice.message, Tick):
            if thinning:
                spans.append((begun, notice.position))
            thinning, behind_us = thins(policy, thinning, behind_us, notice.message)
            begun = notice.position
    ready, waits = (batch.until(begun), batch.after(begun)) if thinning else (batch, None)
    if ready is None or not spans:
        return ready, waits
    older = np.concatenate([_older(ready, *span) for span in spans])
    return (ready.without(older, str(Reason.THINNED)) if len(older) else ready), waits


def _older(batch: FleetBatch, begun: int, end: int) -> Ints:
    """Places of the pings between two positions that are followed, or preceded, by a newer one of their vehicle, and nothing in between."""
    pings = batch.pings
    first, behind = np.searchsorted(pings.position, (begun, end)).tolist()
    codes: dict[str, int] = {}
    code = np.array([codes.setdefault(name, len(codes)) for name in pings.names], dtype=np.int64)
    said = [(codes.get(one.vehicle_id or "", -1), one.position) for one in batch.notices if begun < one.position < end]
    who = np.concatenate([code[pings.vehicle[first:behind]], np.array([vehicle for vehicle, _ in said], dtype=np.int64)])
    place = np.concatenate([pings.position[first:behind], np.array([position for _, position in said], dtype=np.int64)])
    is_ping = np.arange(len(who)) < behind - first
    order = np.lexsort((place, who))
    breaks = np.diff(who[order], prepend=-2) != 0
    run = np.empty(len(who), dtype=np.int64)
    run[order] = np.cumsum(breaks | ~is_ping[order])
    mine = run[is_ping]
    by_age = np.lexsort((np.arange(len(mine)), pings.at_us[first:behind], mine))
    is_newest = np.append(np.diff(mine[by_age]) != 0, True)
    return np.sort(first + by_age[~is_newest]) if len(mine) else mine
