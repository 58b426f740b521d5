"""An entry on which the engine fails costs that entry: a dead letter `internal`, no restart, and its vehicle goes on.

    python benchmarks/reliability/poison.py [--seed N] [--pings 20000] [--vehicles 200] [--poison 100]

The flow runs over a made log in stretches of any size. One step is made to fail on chosen statuses and another on chosen fixes, each after
it has changed half of the state. Held against it: the same flow over the log without those entries. Both must give the same events.
"""

import random
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from harness import START_US, arguments, fixes, plans, result

from stream import rounds
from stream.apply import Applied
from stream.batches import FleetBatch
from stream.codec import encode
from stream.doors import CallSink, LaneSource, run_here
from stream.flow import Fleets, build_flow
from stream.intake import Entry, read_entries
from stream.messages import Tick, WindowChanged
from stream.moments import instant
from stream.reasons import Reason
from stream.settings import FleetSettings

SETTINGS = FleetSettings()
FLEET = "depot"


def made(seed: int, vehicles: int, pings: int) -> tuple[list[Entry], list[int], list[int]]:
    """A log, with the places of its pings and of its statuses."""
    draw, lines = random.Random(seed), [(START_US, raw) for raw in plans(FLEET, vehicles, 10, START_US)]
    fix_places, status_places = list[int](), list[int]()
    for at_us, said in fixes(FLEET, vehicles, START_US, 10**6, 5.0, seed):
        fix_places += range(len(lines), len(lines) + len(said))
        lines += [(at_us, raw) for raw in said]
        v, k = draw.randrange(vehicles), draw.randrange(10)
        end = instant(at_us + draw.randrange(3_600) * 1_000_000)
        base = {"fleet_id": FLEET, "at": instant(at_us), "vehicle_id": f"v{v:05d}", "route_id": f"r{v}"}
        status_places.append(len(lines))
        lines.append((at_us, encode(WindowChanged(stop_id=f"s{v}-{k}", window_end=end, **base))))
        if at_us // 1_000_000 % 10 == 0:
            lines.append((at_us, encode(Tick(fleet_id=FLEET, at=instant(at_us)))))
        if len(fix_places) >= pings:
            break
    return [Entry(i, at_us, raw) for i, (at_us, raw) in enumerate(lines)], fix_places, status_places


def poisoned(places: set[int]) -> None:
    """Make the steps fail on the entries at these places, when half of their work is done."""
    apply_notice, progress = rounds.apply_notice, rounds.progress

    def bad_notice(settings: Any, state: Any, notice: Any, now_us: int, out: Any) -> Any:
        reason = apply_notice(settings, state, notice, now_us, out)
        if notice.position in places:
            raise KeyError(notice.position)
        return reason

    def bad_progress(policy: Any, state: Any, rows: Any, position: Any, now_us: Any, out: Any) -> Any:
        changed = progress(policy, state, rows, position, now_us, out)
        if places & set(position.tolist()):
            state.visits.state[:] = 3
            raise ZeroDivisionError
        return changed

    rounds.apply_notice, rounds.progress = bad_notice, bad_progress  # type: ignore[assignment]


def run(entries: list[Entry], seed: int) -> tuple[list[Applied], float]:
    """All that the flow gives, and the longest time that a stretch took."""
    draw, given, longest_s = random.Random(seed), list[Applied](), 0.0

    def stretches() -> Iterator[list[FleetBatch]]:
        first = 0
        while first < len(entries):
            size = draw.choice((10, 100, 1_000))
            yield read_entries(SETTINGS.judge, entries[first : first + size])
            first += size

    class Timed(Fleets):
        def step(self, state: Any, batch: FleetBatch) -> Applied | None:
            nonlocal longest_s
            began_s = time.perf_counter()
            applied = Fleets.step(self, state, batch)
            longest_s = max(longest_s, time.perf_counter() - began_s)
            return applied

    run_here(build_flow("poison", LaneSource({"lane": stretches}), CallSink(given.extend), Timed(lambda _: SETTINGS)))
    return given, longest_s


def main() -> int:
    """With and without."""
    args = arguments(__doc__, pings=20_000, vehicles=200, poison=100)
    entries, pings, statuses = made(args.seed, args.vehicles, args.pings)
    draw = random.Random(args.seed)
    places = {*draw.sample(statuses, args.poison // 2), *draw.sample(pings, args.poison - args.poison // 2)}
    poisoned(places)
    given, longest_s = run(entries, args.seed)
    clean, _ = run([entry for entry in entries if entry.position not in places], args.seed + 1)
    refused = {one.position: one for part in given for one in part.refusals if one.reason == Reason.INTERNAL}
    events, other = ([event.payload for part in parts for event in part.events] for parts in (given, clean))
    estimates = [np.concatenate([part.estimates for part in parts]).tobytes() for parts in (given, clean)]
    seen = places - {one.position for part in given for one in part.refusals if one.reason != Reason.INTERNAL}
    good = set(refused) == seen and len(seen) > args.poison * 0.9 and events == other and estimates[0] == estimates[1]
    return result(
        "a poison entry costs one entry", good=good, entries=len(entries), poison=len(places), dead_letters=len(refused), restarts=0,
        events=len(events), same_events=events == other, faults=len({bytes(one.head.split(b" ")[0]) for one in refused.values()}),
        longest_stretch_s=round(longest_s, 2),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
