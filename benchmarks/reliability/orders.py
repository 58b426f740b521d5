"""Orders come and go, the state of their fleet stays as large as it was: rows, waiting questions, bytes of a checkpoint, time to resume.

    python benchmarks/reliability/orders.py [--seed N] [--orders 100000] [--vehicles 500] [--customers 40]

Every vehicle delivers 20 orders a round, with a fix, an arrival and a completion each, to some of its customers; a round takes an hour, and
two hours pass before the next. The state is measured two hours after each round; the first half is warm-up, in which customers and the
legs between them are learned. Promise: at the end nothing is larger than half-way, neither with nor without what is learned (2 %), and
loading the checkpoint takes less than 2 s.
"""

import random
import time
from collections.abc import Iterator

from harness import START_US, arguments, result

from eta_models.model import EtaModel
from stream.apply import apply
from stream.checkpoint import capture, dump, load
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import AnyMessage, Ping, RouteEnded, RoutePublished, RouteStarted, StopArrived, StopCompleted, Tick
from stream.moments import instant
from stream.pieces import in_pieces
from stream.planned_stop import PlannedStop
from stream.settings import FleetSettings

STOPS, STOP_S, ROUND_S = 20, 180, 3 * 3_600
GROWTH, RESUME_S = 1.02, 2.0
FLEET = "depot"


def one_round(draw: random.Random, turn: int, vehicles: int, customers: int) -> Iterator[tuple[int, AnyMessage]]:
    """Seconds since the start, and what is said then."""
    first_s, day = turn * ROUND_S, list(range(customers))
    for v in range(vehicles):
        base = {"fleet_id": FLEET, "vehicle_id": f"v{v}", "route_id": f"r{turn}-{v}"}
        begin = (turn + v) % 2 * (customers - STOPS)
        chosen = day[begin : begin + STOPS]
        places = [(50.0 + 0.003 * customer, 8.0 + 0.01 * v) for customer in chosen]
        stops = [
            PlannedStop(stop_id=f"s{v}-{customer}", lat=lat, lon=lon, seq=k, service_s=60.0, order_ref=f"o{turn}-{v}-{k}",
                        planned_arrival=instant(START_US + 1_000_000 * (first_s + (k + 1) * STOP_S)))
            for k, (customer, (lat, lon)) in enumerate(zip(chosen, places, strict=True))
        ]  # fmt: skip
        yield first_s, RoutePublished(at=instant(START_US + 1_000_000 * first_s), stops=stops, **base)
        yield first_s, RouteStarted(at=instant(START_US + 1_000_000 * first_s), **base)
        for k, (lat, lon) in enumerate(places):
            at_s = first_s + (k + 1) * STOP_S + draw.randrange(-20, 20)
            at, left = instant(START_US + 1_000_000 * at_s), instant(START_US + 1_000_000 * (at_s + 60))
            yield at_s, Ping(fleet_id=FLEET, vehicle_id=f"v{v}", at=at, lat=lat, lon=lon)
            yield at_s, StopArrived(at=at, stop_id=stops[k].stop_id, **base)
            yield at_s + 60, StopCompleted(at=left, stop_id=stops[k].stop_id, **base)
        ended_s = first_s + (STOPS + 1) * STOP_S + 120
        yield ended_s, RouteEnded(at=instant(START_US + 1_000_000 * ended_s), **base)
    for second in range(first_s + 30, first_s + ROUND_S, 30):
        yield second, Tick(fleet_id=FLEET, at=instant(START_US + 1_000_000 * second))


def rows(state: FleetState) -> dict[str, int]:
    """How many rows there are of everything that comes and goes."""
    return {
        "visits": state.visits.count, "names": len(state.names), "known_visits": len(state.visit_rows), "routes": len(state.routes),
        "route_ids": len(state.route_ids), "dropped": len(state.dropped), "truths": len(state.truths), "recent": len(state.recent),
        "waiting_questions": state.model.questions.kept, "vehicles": state.vehicles.count, "reasons": len(state.refused),
    }  # fmt: skip


LEARNED = ("model", "corridors", "speeds")


def sizes_of(state: FleetState) -> tuple[int, int]:
    """Bytes of a checkpoint before it is compressed, without what is learned, and of what is learned."""
    parts = {name: len(b"".join(in_pieces({name: part}))) for name, part in capture(state).items()}
    learned = sum(parts[name] for name in LEARNED)
    return sum(parts.values()) - learned, learned


def main() -> int:
    """Round after round."""
    args = arguments(__doc__, orders=100_000, vehicles=500, customers=40)
    draw, settings = random.Random(args.seed), FleetSettings()
    state, position, sizes = FleetState(FLEET, EtaModel(settings.model)), 0, list[tuple[dict[str, int], int, int]]()
    rounds = -(-args.orders // (args.vehicles * STOPS))
    completed = 0
    for turn in range(max(rounds, 4)):
        said = sorted(one_round(draw, turn, args.vehicles, args.customers), key=lambda line: line[0])
        for first in range(0, len(said), 5_000):
            entries = [
                Entry(position + i, START_US + 1_000_000 * at_s, encode(message))
                for i, (at_s, message) in enumerate(said[first : first + 5_000])
            ]
            position += len(entries)
            for batch in read_entries(settings.judge, entries):
                completed += sum(event.kind == "stop_completed" for event in apply(settings, state, batch).events)
        sizes.append((rows(state), *sizes_of(state)))
    saved, began_s = dump(state), time.perf_counter()
    load(saved, settings.model)
    resume_s = time.perf_counter() - began_s
    (before, bytes_before, learned_before), (after, bytes_after, learned) = sizes[len(sizes) // 2 - 1], sizes[-1]
    grown = {name: (before[name], count) for name, count in after.items() if count > before[name] + max(16, before[name] * (GROWTH - 1))}
    no_larger = bytes_after <= GROWTH * bytes_before and bytes_after + learned <= GROWTH * (bytes_before + learned_before)
    good = not grown and no_larger and resume_s <= RESUME_S and completed == args.vehicles * STOPS * len(sizes)
    return result(
        "state does not grow with orders", good=good, delivered=completed, rounds=len(sizes), visits_left=after["visits"],
        kb_half_way=bytes_before // 1000, kb_at_the_end=bytes_after // 1000,
        learned_kb=f"{learned_before // 1000:,} and {learned // 1000:,}", compressed_kb=len(saved) // 1000,
        load_s=round(resume_s, 3), grown=grown or "nothing",
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
