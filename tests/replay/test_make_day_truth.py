"""The ways of a made day and the truth about them: shortest times, sensible orders, and where the true path crosses a circle."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.make_day.city import draw_city
from replay.make_day.drive import Driven, drive_duty
from replay.make_day.ordering import order_stops
from replay.make_day.parameters import FROZEN
from replay.make_day.paths import Kerb, travel_matrix, way
from replay.make_day.plan import Duty, plan_duty
from replay.make_day.seeding import Draw, generator
from replay.make_day.streets import lay_streets
from replay.make_day.traffic import draw_traffic
from replay.make_day.truth import Circle, arrivals, first_inside_s, first_outside_s


def drive_one(seed: int) -> tuple[Driven, Duty]:
    city = draw_city(generator(seed, Draw.CITY, 0), FROZEN)
    traffic = draw_traffic(generator(seed, Draw.TRAFFIC, 0), city.streets, FROZEN.city.zones_a_side, FROZEN.traffic)
    duty = plan_duty(generator(seed, Draw.PLAN, 0, 0), city, "f01", 0, True, FROZEN)
    return drive_duty(generator(seed, Draw.DRIVE, 0, 0), city, traffic, duty, False, FROZEN), duty


def test_the_truth_is_where_a_fine_walk_along_the_true_path_finds_it() -> None:
    driven, duty = drive_one(5)
    assert (np.diff(driven.t_s) > 0).all()
    (run,) = driven.runs
    assert len(run.calls) == len(duty.routes[0].visits)
    after_s = run.started_s
    for visit, call, (came_s, _) in zip(run.route.visits, run.calls, arrivals(driven, run), strict=True):
        walk_s = np.arange(after_s, call.served_s + 1.0, 0.25)
        x, y = np.interp(walk_s, driven.t_s, driven.x), np.interp(walk_s, driven.t_s, driven.y)
        inside = np.hypot(x - visit.door.x, y - visit.door.y) <= visit.door.radius_m
        assert came_s == pytest.approx(walk_s[int(np.argmax(inside))], abs=0.25)
        assert inside[-1]
        after_s = call.done_s


def test_a_circle_is_entered_left_and_grazed() -> None:
    line = np.array([0.0, 100.0])
    driven = Driven(line, line - 50.0, np.zeros(2), ())
    assert first_inside_s(driven, Circle(0.0, 0.0, 10.0), 0.0) == pytest.approx(40.0)
    assert first_outside_s(driven, Circle(0.0, 0.0, 10.0), 45.0) == pytest.approx(60.0)
    assert first_inside_s(driven, Circle(0.0, 11.0, 10.0), 0.0) is None
    assert first_inside_s(driven, Circle(0.0, 0.0, 10.0), 60.5) is None
    assert first_inside_s(driven, Circle(0.0, 0.0, 10.0), 45.0) == 45.0
    assert first_outside_s(driven, Circle(45.0, 0.0, 10.0), 90.0) is None


def test_the_way_takes_as_long_as_the_planner_thinks_and_the_river_makes_detours() -> None:
    streets = lay_streets(np.random.Generator(np.random.PCG64(3)), FROZEN.city)
    rng = np.random.Generator(np.random.PCG64(4))
    edges = rng.choice(np.flatnonzero(streets.open), 12)
    kerbs = [Kerb(int(edge), float(rng.random() * streets.length_m[edge])) for edge in edges]
    matrix = travel_matrix(streets, kerbs, FROZEN.city)
    for here in range(12):
        for there in range(12):
            pieces = way(streets, kerbs[here], kerbs[there], FROZEN.city)
            junctions_s = max(sum(piece.junction for piece in pieces) - 1, 0) * FROZEN.city.junction_s
            assert sum(piece.length_m / piece.speed_mps for piece in pieces) + junctions_s == pytest.approx(matrix[here, there])
            assert all((a.to_x, a.to_y) == pytest.approx((b.x, b.y)) for a, b in pairwise(pieces))
    banks = np.flatnonzero(~streets.open)
    detours = streets.shortest_s[streets.tail[banks], streets.head[banks]] / streets.seconds[banks]
    assert len(banks) > 10
    assert detours.max() > 4.0


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), count=st.integers(1, 25))
def test_the_order_visits_every_stop_once_and_is_no_longer_than_the_order_drawn(seed: int, count: int) -> None:
    points = np.random.Generator(np.random.PCG64(seed)).random((count + 1, 2))
    apart = np.hypot(*(points[:, None] - points[None, :]).T)
    order = order_stops(apart)
    assert sorted(order) == list(range(1, count + 1))

    def length(rows: list[int]) -> float:
        return float(sum(apart[a, b] for a, b in zip([0, *rows], [*rows, 0], strict=True)))

    assert length(order) <= length(list(range(1, count + 1))) + 1e-9
