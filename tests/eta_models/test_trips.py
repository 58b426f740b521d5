"""Trips without a plan: a curve over the distance, bent by where and when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_bytes import dump_model, load_model
from eta_models.network import NetworkPolicy
from eta_models.tiles import ASKED, BITS, TILINGS, tiles
from eta_models.trip_slots import LATELY, trip_slots
from eta_models.trips import TripPolicy, Trips

METRES_A_DEGREE = 111_320.0
NOON = np.full(1_000, 43_200.0)
"""When trips are asked about here."""


def asked(rng: np.random.Generator, count: int) -> np.ndarray:
    """Trips within ten kilometres, half of them to the north of the town."""
    lat, lon, to_lat, to_lon = (base + rng.uniform(-0.05, 0.05, count) for base in (48.0, 11.0, 48.0, 11.0))
    to_m = np.hypot(to_lat - lat, (to_lon - lon) * np.cos(np.radians(48.0))) * METRES_A_DEGREE
    none, unknown = 0 * to_m, 0 * to_m + np.nan
    columns = {
        "lat": lat, "lon": lon, "to_lat": to_lat, "to_lon": to_lon, "to_m": to_m, "behind_m": none, "leg_m": to_m,
        "elapsed_s": none,        "hour": rng.uniform(0, 24, count), "weekend": none, "vehicle": none,
        "speed_mps": unknown, "closing_mps": unknown, "still_s": none,
    }  # fmt: skip
    return np.stack([columns[name] for name in ASKED], axis=1).astype(np.float32)


def took_s(trips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five metres a second, half as fast to the north, a third slower at night."""
    of = {name: trips[:, place].astype(np.float64) for place, name in enumerate(ASKED)}
    slow = np.where(of["to_lat"] > 48.0, 2.0, 1.0) * np.where(of["hour"] < 6, 1.5, 1.0)
    return 60.0 + of["to_m"] / 5.0 * slow * rng.uniform(0.9, 1.1, len(trips))


def teach(model: Trips, trips: np.ndarray, took: np.ndarray) -> None:
    model.learn(trips, took, NOON[: len(trips)], NOON[0])


def taught(count: int = 12_000) -> Trips:
    model, rng = Trips(TripPolicy()), np.random.default_rng(1)
    for _ in range(count // 200):
        trips = asked(rng, 200)
        teach(model, trips, took_s(trips, rng))
        model.export()
    return model


def error_s(model: Trips) -> float:
    rng = np.random.default_rng(2)
    trips = asked(rng, 1_000)
    return float(np.abs(model.expected_s(trips, NOON[: len(trips)]) - took_s(trips, rng)).mean())


def test_before_anything_was_learned_a_trip_takes_what_its_distance_says():
    trips = asked(np.random.default_rng(3), 50)
    expected_s = Trips(TripPolicy()).expected_s(trips, NOON[: len(trips)])
    assert expected_s == pytest.approx(60.0 + trips[:, ASKED.index("to_m")] * 1.3 / 7.0, rel=1e-3)


def test_where_it_goes_and_when_are_learned():
    curve_only = Trips(TripPolicy(learning_rate=0.0))
    rng = np.random.default_rng(1)
    for _ in range(60):
        trips = asked(rng, 200)
        teach(curve_only, trips, took_s(trips, rng))
    assert error_s(taught()) < 0.6 * error_s(curve_only) < 0.8 * error_s(Trips(TripPolicy()))


def test_a_trip_is_answered_alike_alone_and_among_others():
    model, trips = taught(2_000), asked(np.random.default_rng(4), 37)
    assert model.expected_s(trips, NOON[: len(trips)]).tolist() == [model.expected_s(trips[[row]], NOON[:1])[0] for row in range(37)]


def test_the_room_it_takes_does_not_grow():
    model = taught(2_000)
    assert model.weights.nbytes + model.squares.nbytes == 8 << BITS
    assert tiles(asked(np.random.default_rng(5), 10)).shape == (10, len(TILINGS))


number = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))


@given(st.lists(st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32), *[number] * 3), min_size=1, max_size=5))
def test_whatever_is_asked_and_learned_the_answer_is_finite_and_positive(drawn):
    model, trips = Trips(TripPolicy()), asked(np.random.default_rng(6), len(drawn))
    trips[:, :2] = [row[:2] for row in drawn]
    trips[:, ASKED.index("speed_mps") :] = [row[2:] for row in drawn]
    trips[:, ASKED.index("to_m")] = [abs(row[2]) if row[2] == row[2] else 0.0 for row in drawn]
    teach(model, trips, np.full(len(trips), 1e9))
    answer = model.expected_s(trips, NOON[: len(trips)])
    assert np.isfinite(answer).all()
    assert (answer >= 1.0).all()


def test_what_was_saved_and_loaded_answers_and_learns_the_same():
    model, rng = EtaModel(ModelPolicy()), np.random.default_rng(7)
    model.trips = taught(2_000)
    again = load_model(dump_model(model), ModelPolicy())
    trips = asked(rng, 50)
    assert again.trips.expected_s(trips, NOON[: len(trips)]).tolist() == model.trips.expected_s(trips, NOON[: len(trips)]).tolist()
    more = took_s(trips, rng)
    for one in (model, again):
        teach(one.trips, trips, more)
        one.export()
    assert dump_model(again) == dump_model(model)


def test_how_place_and_hour_work_together_is_learned_by_the_network():
    tiles_only, rng = Trips(TripPolicy(network=NetworkPolicy(rate=0.0))), np.random.default_rng(1)
    for _ in range(60):
        trips = asked(rng, 200)
        teach(tiles_only, trips, took_s(trips, rng))
        tiles_only.export()
    assert error_s(taught()) < 0.9 * error_s(tiles_only)


def test_tables_of_another_size_are_refused():
    saved = taught(400).dump()
    with pytest.raises(ValueError, match="another version"):
        Trips(TripPolicy()).load([saved[0][:-8], *saved[1:]])


def test_the_first_trips_tell_how_slow_a_city_is_at_every_distance():
    rng = np.random.default_rng(4)
    trips, model = asked(rng, 30), Trips(TripPolicy())
    trips[:, ASKED.index("to_m")] = 2_000.0
    far = trips[:1].copy()
    far[:, ASKED.index("to_m")] = 9_000.0
    before = float(model.expected_s(far, NOON[: len(far)])[0])
    teach(model, trips, 1.6 * model.expected_s(trips, NOON[: len(trips)]))
    assert 1.4 * before < float(model.expected_s(far, NOON[: len(far)])[0]) < 1.7 * before


def test_who_was_slow_of_late_is_expected_late_until_the_shift_is_over():
    """One driver in ten takes half as long again, another one each day: tiles and hours cannot know it."""
    rng, model, day_s = np.random.default_rng(8), Trips(TripPolicy()), 86_400.0
    vehicle = ASKED.index("vehicle")
    for number in range(150):
        trips, now_s = asked(rng, 100), day_s * (number // 10) + 600.0 * (number % 10)
        trips[:, vehicle] = rng.integers(0, 10, len(trips))
        took = took_s(trips, rng) * np.where(trips[:, vehicle] == number // 10 % 10, 1.5, 1.0)
        model.learn(trips, took, np.full(len(trips), now_s), now_s)
        model.export()
    slow, quick = asked(rng, 200), asked(rng, 200)
    quick[:] = slow
    slow[:, vehicle], quick[:, vehicle] = 4, 5
    now = np.full(200, now_s)
    ratio = float((model.expected_s(slow, now) / model.expected_s(quick, now)).mean())
    later = float((model.expected_s(slow, now + day_s) / model.expected_s(quick, now + day_s)).mean())
    assert ratio > 1.15
    assert later < 1.0 + (ratio - 1.0) / 2.0


@given(st.lists(st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32), st.integers(0, 1 << 24)), min_size=1, max_size=5))
def test_what_is_kept_of_lately_has_a_place_for_every_trip(drawn):
    trips = asked(np.random.default_rng(9), len(drawn))
    trips[:, [0, 1, ASKED.index("vehicle")]] = drawn
    slots = trip_slots(trips)
    assert slots.shape == (len(drawn), len(LATELY.fade_s))
    assert slots.min() >= 0
    assert slots.max() < LATELY.slots
    assert slots.tolist() == [trip_slots(trips[[row]])[0].tolist() for row in range(len(drawn))]
