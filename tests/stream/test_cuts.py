"""The cut of a log into batches changes no byte of what it gives: drawn logs, drawn cuts."""

import importlib.util
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import messages as m

SPEC = importlib.util.spec_from_file_location("stories", Path(__file__).with_name("stories.py"))
STORIES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(STORIES)
drawn_logs, seconds, told, words = STORIES.drawn_logs, STORIES.seconds, STORIES.told, STORIES.words


@given(drawn=drawn_logs, data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_cut_of_a_log_gives_the_same_bytes(road, fleet, drawn, data):
    lines = told(road, drawn)
    cuts = data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=8), label="cuts")
    whole = fleet().play(lines).bytes()
    assert fleet().play(lines, range(1, len(lines))).bytes() == whole
    assert fleet().play(lines, cuts).bytes() == whole


@given(drawn=drawn_logs)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_every_estimate_of_any_log_is_in_order_and_never_before_now(road, fleet, drawn):
    rows = fleet().play(told(road, drawn)).estimates
    assert (rows["made_us"] <= rows["p10_us"]).all()
    assert (rows["p10_us"] <= rows["p50_us"]).all()
    assert (rows["p50_us"] <= rows["p90_us"]).all()
    assert (rows["p90_us"] < rows["made_us"] + 10 * 86_400_000_000).all()
    assert not ((rows["p_late"] < 0) | (rows["p_late"] > 1)).any()


@given(drawn=drawn_logs)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_everything_that_is_received_is_applied_or_refused_once(road, fleet, drawn):
    lines = told(road, drawn)
    played = fleet().play(lines)
    refused = [refusal.position for part in played.parts for refusal in part.refusals]
    assert len(refused) == len(set(refused)) == sum(played.state.refused.values())
    assert played.state.received == len(lines)


@given(drawn=st.lists(words, min_size=20, max_size=80))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_event_id_is_given_twice_and_all_kept_questions_are_counted(road, fleet, drawn):
    # Within an hour: a route that is forgotten and then published again is another route of the same name.
    played = fleet().play(told(road, [(kind, number, min(wait, 25.0), value) for kind, number, wait, value in drawn]))
    ids = [event["id"] for event in played.events]
    assert sorted(ids) == sorted(set(ids))
    state = played.state
    for route in state.routes.values():
        assert state.vehicles.route[route.vehicle] != route.number or (route.started and route.ended_us < 0)
    kept = [0] * len(state.vehicle_ids)
    for route in state.routes.values():
        kept[route.vehicle] += int(state.visits.kept[route.first : route.end].sum())
    assert kept == state.vehicles.kept[: len(kept)].tolist()


def own(played, vehicle):
    """Events about a vehicle, without their number among all events of the fleet."""
    return [event | {"sequence": ""} for event in played.events if event["data"]["vehicle_id"] == vehicle]


@given(
    drawn=st.lists(
        st.tuples(
            st.sampled_from((*("ping",) * 6, "teleport", "late", "again", "status", "window")),
            st.integers(0, 2),
            seconds,
            st.integers(0, 9),
        ),
        min_size=10,
        max_size=40,
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_other_vehicles_change_nothing_for_a_vehicle_between_ticks(road, fleet, drawn):
    lines = [line for line in told(road, drawn) if not isinstance(line[1], m.Tick)]
    alone = [line for line in lines if line[1].vehicle_id == "v1"]
    assert own(fleet().play(lines), "v1") == own(fleet().play(alone), "v1")
