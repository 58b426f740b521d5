"""Models that come through the log: priors, challengers, promotions; and that none of it depends on how the log is cut."""

import importlib.util
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_file import learned, pack
from stream import messages as m
from stream.checkpoint import dump, load
from stream.codec import decode
from stream.model_messages import ChallengerDropped, ChallengerPut, ModelPart, ModelPromoted, ModelPut
from stream.model_parts import MOST_PARTS, messages_of
from stream.settings import FleetSettings

SPEC = importlib.util.spec_from_file_location("stories", Path(__file__).with_name("stories.py"))
STORIES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(STORIES)
MODELS = ("challenge", "challenge", "promote", "promote", "drop")
KINDS = ("ping",) * 12 + ("teleport", "late") + ("status",) * 4 + ("tick",) * 4 + MODELS + ("plan", "replan", "reassign", "start", "window")
words = st.tuples(st.sampled_from(KINDS), st.sampled_from((0, 0, 1, 1, 2)), STORIES.seconds, st.integers(0, 9))


def run(road, first=0, name="r1", vehicle="v1"):
    """A route up the road and its ticks, with five stops to learn from."""
    stops = [road.stop(n, visit_id=f"{name}-{n}", planned_arrival=road.at(first + 110 * n)) for n in range(1, 6)]
    route = {"route_id": name, "vehicle_id": vehicle}
    drive = road.drive(first + 1, first + 601, 0, 6_000, vehicle)
    return road.log(road.plan(stops, first, **route), road.go(first, **route), drive, road.ticks(first + 10, first + 640))


def runs(road, numbers):
    return [line for number in numbers for line in run(road, 1_000 * number, f"r{number}")]


@pytest.fixture(scope="module")
def taught(road, fleet):
    """What a fleet learned in six runs, as a file."""
    state = fleet().play(runs(road, range(6))).state
    assert learned(state.model) > 50
    return pack(state.model, "elsewhere", state.now_us, {}, general=False)


def put(road, second, raw, name=None):
    """A model file as lines of the road."""
    return [(float(second), decode(line)) for line in messages_of("depot", raw, road.us(second), name)]


def test_a_fleet_that_begins_with_what_another_learned_answers_as_that_one_would(road, fleet, taught):
    cold = fleet().play(runs(road, [7]))
    warm = fleet().play([*put(road, 6_990, taught), *runs(road, [7])])
    assert warm.reasons == []
    assert warm.state.named.sha256 == sha256(taught).hexdigest()
    assert learned(warm.state.model) > learned(cold.state.model)
    row = warm.state.model.legs.leg("s2", "s3")
    assert warm.state.model.legs.table.seen[row] == 7.0
    first = {name: next(iter(played.estimates["p50_us"])) for name, played in (("cold", cold), ("warm", warm))}
    assert first["cold"] != first["warm"]
    (changed,) = [event for part in warm.parts for event in part.events if event.kind == "model_changed"]
    assert msgspec.json.decode(changed.payload)["data"]["change"] == "model_put"


def test_a_model_put_into_a_fleet_on_its_way_finds_the_rows_of_its_visits(road, fleet, taught):
    lines = run(road)
    half = len(lines) // 16
    played = fleet().play([*lines[:half], *put(road, lines[half][0], taught), *lines[half:]])
    assert played.reasons == []
    state = played.state
    assert state.model.legs.keys.keys[state.visits.leg[1]] == ("s1", "s2")
    assert state.model.stays.keys.keys[state.visits.place[1]] == "s2"
    assert len(state.model.legs.keys.keys) == state.model.legs.table.count == len(set(state.model.legs.keys.keys))


def test_a_fleet_that_has_learned_takes_no_prior_but_a_challenger(road, fleet, taught):
    played = fleet().play([*runs(road, [0]), *put(road, 700, taught)])
    assert played.reasons == ["has_learned"]
    played.play([*put(road, 710, taught, "theirs"), *runs(road, [1])])
    assert played.reasons == ["has_learned"]
    contest = played.state.contest
    assert contest.named.name == "theirs"
    assert contest.named.sha256 == sha256(taught).hexdigest()
    assert contest.champion.count == contest.challenger.count > 20
    assert contest.champion.mae_s() != contest.challenger.mae_s()


def test_the_same_prior_twice_is_a_duplicate_and_keeps_no_pieces(road, fleet, taught):
    played = fleet().play([*put(road, 0, taught), *runs(road, [1]), *put(road, 1_700, taught)])
    assert played.reasons == ["duplicate"]
    assert played.state.parts.pieces == {}


def spoilt(lines, which):
    kind = msgspec.structs.asdict(lines[0][1])
    match which:
        case "cut":
            return lines[:-2] + lines[-1:] if len(lines) > 2 else [lines[-1]]
        case "foreign":
            return [(lines[0][0], ModelPart(**{**kind, "content_base64": "AAAA"})), *lines[1:]]
        case "not base64":
            return [(lines[0][0], ModelPart(**{**kind, "content_base64": "?"})), *lines[1:]]
        case "too many":
            return [(lines[0][0], ModelPart(**{**kind, "parts": MOST_PARTS + 1})), *lines[1:]]
    raise AssertionError(which)


@pytest.mark.parametrize("which", ["cut", "foreign", "not base64", "too many"])
def test_a_model_that_is_not_whole_is_refused_and_nothing_changes(road, fleet, taught, which):
    played = fleet().play([*spoilt(put(road, 0, taught), which), *runs(road, [1])])
    assert set(played.reasons) == {"bad_model"}
    assert played.estimates.tobytes() == fleet().play([road.say(m.Tick, 0), *runs(road, [1])]).estimates.tobytes()


def test_pieces_that_nobody_asks_for_are_dropped_after_an_hour(road, fleet, taught):
    played = fleet().play([*put(road, 0, taught)[:-1], *road.ticks(10, 5_000)])
    assert played.state.parts.pieces == {}


def challenged(road, second, name="bold", **settings):
    return road.say(ChallengerPut, second, model_ref=name, settings=settings)


def test_a_challenger_answers_everything_and_changes_nothing_until_it_is_promoted(road, fleet):
    lines = runs(road, range(4))
    alone = fleet().play(lines)
    both = fleet().play([challenged(road, 0, learning_rate=0.3), *lines])
    assert both.estimates.tobytes() == alone.estimates.tobytes()
    assert both.state.beside_made >= len(both.estimates)
    assert both.state.contest.model.policy.correction.learning_rate == 0.3
    assert learned(both.state.contest.model) == learned(both.state.model) > 50
    promoted = both.play([road.say(ModelPromoted, 3_700, model_ref="bold"), *runs(road, [4])])
    assert promoted.reasons == []
    assert (promoted.state.named.name, promoted.state.contest.named.name) == ("bold", "first")
    assert learned(promoted.state.model) == learned(promoted.state.contest.model)
    assert promoted.estimates[len(alone.estimates) :].tobytes() != alone.play(runs(road, [4])).estimates[len(alone.estimates) :].tobytes()


def test_promoted_and_promoted_back_answers_as_if_nothing_had_been(road, fleet):
    lines = runs(road, range(3))
    alone = fleet().play(lines).play(runs(road, [4]))
    there_and_back = [road.say(ModelPromoted, 2_900, model_ref="bold"), road.say(ModelPromoted, 2_950, model_ref="first")]
    both = fleet().play([challenged(road, 0, learning_rate=0.3), *lines, *there_and_back, *runs(road, [4])])
    assert both.reasons == []
    assert both.estimates.tobytes() == alone.estimates.tobytes()


def test_a_promoted_model_is_the_only_one_where_the_other_is_not_kept(road, fleet):
    lines = [challenged(road, 0), *runs(road, [0, 1]), road.say(ModelPromoted, 1_900, model_ref="bold", keep=False), *runs(road, [2])]
    state = fleet().play(lines).state
    assert state.contest is None
    assert state.named.name == "bold"


def test_a_challenger_that_learns_from_every_third_question_learns_from_a_third(road, fleet):
    state = fleet().play([challenged(road, 0, ask_every=3.0), *runs(road, range(4))]).state
    assert 0.2 < learned(state.contest.model) / learned(state.model) < 0.6
    assert state.contest.champion.count == state.contest.challenger.count


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (lambda road: challenged(road, 1, learning_rate=7.0), "bad_policy"),
        (lambda road: challenged(road, 1, speed=1.0), "bad_policy"),
        (lambda road: road.say(ChallengerPut, 1, model_ref="m", model_sha256="9f" * 32), "bad_model"),
        (lambda road: road.say(ModelPut, 1, model_sha256="9f" * 32), "bad_model"),
        (lambda road: road.say(ModelPromoted, 1, model_ref="m"), "unknown_model"),
        (lambda road: road.say(ChallengerDropped, 1, model_ref="m"), "unknown_model"),
        (lambda road: challenged(road, 1, name="a b"), "bad_id"),
    ],
)
def test_what_cannot_be_is_a_dead_letter(road, fleet, line, reason):
    assert fleet().play([line(road)]).reasons == [reason]


@given(drawn=st.lists(words, min_size=10, max_size=50), data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_any_cut_of_a_log_with_two_models_gives_the_same_bytes(road, fleet, drawn, data):
    lines = [*STORIES.told(road, [("challenge", 0, 0.0, 1), *drawn])]
    cuts = data.draw(st.lists(st.integers(1, len(lines) - 1), max_size=8), label="cuts")
    whole = fleet().play(lines).bytes()
    assert fleet().play(lines, range(1, len(lines))).bytes() == whole
    assert fleet().play(lines, cuts).bytes() == whole


def test_two_models_and_a_prior_give_the_same_whatever_the_cut(road, fleet, taught):
    lines = [*put(road, 0, taught), challenged(road, 1, learning_rate=0.2), *runs(road, [1, 2])]
    lines += [road.say(ModelPromoted, 2_700, model_ref="bold"), *put(road, 2_710, taught, "theirs"), *runs(road, [3])]
    whole = fleet().play(lines).bytes()
    assert fleet().play(lines, range(1, len(lines))).bytes() == whole
    assert fleet().play(lines, range(7, len(lines), 13)).bytes() == whole


def test_a_checkpoint_brings_both_models_their_names_and_pieces_back(road, fleet, taught):
    begun = [*put(road, 0, taught), challenged(road, 1, learning_rate=0.2), *runs(road, [1])]
    begun += [road.say(ModelPromoted, 1_700, model_ref="bold"), *put(road, 1_701, taught, "theirs")[:-1], *run(road, 2_000, "r2")[:300]]
    going = fleet().play(begun)
    other = load(dump(going.state), FleetSettings().model)
    assert (other.named, other.contest.named, other.parts) == (going.state.named, going.state.contest.named, going.state.parts)
    assert (other.contest.champion, other.contest.challenger) == (going.state.contest.champion, going.state.contest.challenger)
    assert other.model.policy == going.state.model.policy
    assert other.contest.model.legs.keys is other.model.legs.keys
    rest = [*run(road, 2_000, "r2")[300:], put(road, 2_700, taught, "theirs")[-1], *runs(road, [3])]
    before = len(going.parts)
    expected = going.play(rest)
    again = fleet()
    again.state = other
    again.play(rest)
    tail = [(part.events, part.estimates.tobytes(), part.beside.tobytes(), part.refusals) for part in expected.parts[before:]]
    assert [(part.events, part.estimates.tobytes(), part.beside.tobytes(), part.refusals) for part in again.parts] == tail
    assert expected.state.contest.named.name == "theirs"


def test_a_fleet_without_a_challenger_has_nothing_of_one(road, fleet):
    played = fleet().play(runs(road, [0]))
    assert (played.state.contest, played.state.beside_made, played.state.parts.pieces) == (None, 0, {})
    assert played.state.named.settings == {}
    assert isinstance(played.state.model, EtaModel)
    assert played.state.model.policy == ModelPolicy()
