"""Orders come and go: what is kept of a fleet after many of them is what was kept after a few."""

import zlib

from eta_models.model import ModelPolicy
from eta_models.network import NetworkPolicy
from eta_models.second_look import SecondLookPolicy
from stream import messages as m
from stream.checkpoint import dump
from stream.settings import FleetSettings

ROUND_S, STOPS = 3 * 3_600, 6


def size(state):
    """Rows of what comes and goes, and bytes of a checkpoint before it was compressed, without the last events (as many as are kept)."""
    recent, state.recent = state.recent, []
    saved, state.recent = dump(state), recent
    whole = len(zlib.decompress(saved[saved.index(b"\n") + 17 :]))
    return (
        *(state.visits.count, len(state.names), len(state.visit_rows), len(state.routes), len(state.route_ids), len(state.dropped)),
        *(len(state.truths), state.model.questions.kept, state.vehicles.count, len(state.model.legs.keys.keys)),
    ), whole


def test_state_and_checkpoint_are_no_larger_after_many_delivered_orders(road, fleet):
    few = ModelPolicy(second_look=SecondLookPolicy(NetworkPolicy(kept=64)))  # examples fill up until there is no room
    played, sizes = fleet(FleetSettings(model=few)), []
    for turn in range(8):
        first, lines = turn * ROUND_S, []
        for v in ("v1", "v2", "v3"):
            base = {"vehicle_id": v, "route_id": f"{v}-{turn}"}
            stops = [road.stop(n, visit_id=None, order_ref=f"o{turn}-{n}", service_s=60.0) for n in range(1, STOPS + 1)]
            lines += [road.plan(stops, first, **base), road.go(first, **base)]
            for n in range(1, STOPS + 1):
                second = first + 180 * n
                lines += [road.ping(second, 1_000 * n, v), road.say(m.StopArrived, second, stop_id=f"s{n}", **base)]
                lines.append(road.say(m.StopCompleted, second + 60, stop_id=f"s{n}", **base))
            lines.append(road.say(m.RouteEnded, first + 180 * STOPS + 90, **base))
        lines += [road.say(m.Tick, second) for second in range(first + 30, first + ROUND_S, 60)]
        played.play(sorted(lines, key=lambda line: line[0]))
        sizes.append(size(played.state))
    assert len(played.visits("stop_completed")) == 8 * 3 * STOPS
    assert sizes[-1][0] == sizes[2][0]
    assert sizes[-1][0][:7] == (0,) * 7
    assert sizes[-1][1] <= sizes[2][1] * 1.02
