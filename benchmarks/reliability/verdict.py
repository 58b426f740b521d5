"""What readers of a live system heard, held against the plain loop over the same log."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from redis import Redis

from stream.batches import FleetBatch, no_pings
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.intake import read_entries
from stream.live.keys import FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.shown import Shown
from stream.log import shard_of
from stream.settings import FleetSettings


@dataclass(frozen=True)
class Verdict:
    """What readers heard, held against the plain loop over the same log."""

    events: int
    lost: int
    twice: int
    out_of_order: int
    divergent: int

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.events > 0 and not (self.lost or self.twice or self.out_of_order or self.divergent)

    def figures(self) -> dict[str, int]:
        """For the line."""
        return {
            "events": self.events,
            "lost": self.lost,
            "twice": self.twice,
            "out_of_order": self.out_of_order,
            "divergent": self.divergent,
        }


def judge(redis: Redis, heard: Sequence[tuple[str, int, bytes]]) -> Verdict:
    """Every fleet's log through a plain loop: its events are those that were heard, and its end is what stands in Redis."""
    totals = np.zeros(5, dtype=np.int64)
    names: Any = redis.hkeys(FLEETS)
    for name in sorted(raw.decode() for raw in names):
        events, state = plainly(redis, name)
        told = [(number, text) for fleet, number, text in heard if fleet == name]
        lost, twice = len(set(events) - set(told)), len(told) - len(set(told))
        out_of_order = sum(later < earlier for (earlier, _), (later, _) in itertools.pairwise(told))
        wrong = len(set(told) - set(events)) + sum(not same for same in present_is(redis, state).values())
        totals += (len(events), lost, twice, out_of_order, wrong)
    return Verdict(*totals.tolist())


def plainly(redis: Redis, name: str) -> tuple[list[tuple[int, bytes]], FleetState]:
    """The events of a fleet's log as a plain loop gives them (what its ticks say is thinned), and the state at its end."""
    settings, events = FleetSettings(), list[tuple[int, bytes]]()
    fleets = Fleets(lambda _: settings)
    state = fleets.open(name)
    answer: Any = redis.xrange(log_key(shard_of(name)))
    entries = [entry for stream_id, fields in answer if b"m" in fields for entry in unpack(stream_id, fields)]
    for batch in read_entries(settings.judge, entries):
        if batch.fleet_id == name:
            applied = fleets.step(state, batch)
            events += [(event.sequence, event.payload) for event in applied.events] if applied is not None else []
    return events, state


def present_is(redis: Redis, state: FleetState) -> Mapping[str, bool]:
    """Whether what stands in Redis of a fleet is what this state shows, by kind of key."""
    changes, same = Shown().changes(state, FleetBatch(state.fleet_id, no_pings(), [])), {}
    for kind in ("fixes", "vehicles", "routes", "etas", "visits", "fences"):
        flat = [part.encode() if isinstance(part, str) else part for part in changes.puts.get(kind, [])]
        same[kind] = redis.hgetall(fleet_key(kind, state.fleet_id)) == dict(zip(flat[::2], flat[1::2], strict=True))
    return same
