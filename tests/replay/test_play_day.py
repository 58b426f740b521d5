"""A day that is played into a live system says what it says in `score`, never goes back, and leaves fleets of others alone."""

import time
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from eta_models.columns import MISSING
from eta_models.model import EtaModel
from replay.day_errors import NotPlayed
from replay.day_folder import read_folder
from replay.day_log import write_log
from replay.encoded import EncodedEntry
from replay.pace import Pace
from replay.play import Engine, Player
from replay.play_day import PlayOptions, plan, play
from replay.play_screen import PlayScreen
from replay.read_day import read_day
from replay.run_day import DayRun, run_loop
from replay.score import fleet_settings
from replay.spool import Spool
from replay.terminal import console
from replay.timeline import timeline
from stream.apply import apply
from stream.codec import decode
from stream.fleet import FleetState
from stream.intake import read_entries
from stream.judge_policy import JudgePolicy
from stream.live.keys import FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FleetEntry, RouteView, Totals
from stream.log import SHARDS, shard_of
from stream.messages import RouteEnded
from stream.settings import FleetSettings

START_US, SECOND_US, DAY_US = 1_700_000_000_000_000, 1_000_000, 86_400_000_000


@pytest.fixture(scope="module")
def day(short_day, tmp_path_factory):
    """A made day of two vehicles, until some of their stops are done."""
    return short_day(tmp_path_factory.mktemp("days") / "played", seed=3, fleets=1, vehicles=2, hours=1.4)


def play_into(redis, folder, rounds=1, **options):
    """Play a day into Redis at once; with `loop` so many rounds."""
    planned = plan(folder, PlayOptions(speed=0, **options), redis, SHARDS)
    planned = replace(planned, rounds=[told for told, _ in zip(planned.rounds, range(rounds), strict=False)])
    player = Player(planned.log, Pace(0), time.monotonic, time.sleep, str, lambda state: None, most_behind=10**9)
    return play(planned, player, PlayScreen(console(), "UTC"))


def log_of(redis, fleet_id):
    return [entry for stream_id, fields in redis.xrange(log_key(shard_of(fleet_id))) for entry in unpack(stream_id, fields)]


def taken(redis, fleet_id, settings):
    """What an engine gives that reads the log in Redis."""
    state, log = FleetState(fleet_id, EtaModel(settings.model)), log_of(redis, fleet_id)
    for first in range(0, len(log), 1_000):
        for batch in read_entries(settings.judge, log[first : first + 1_000]):
            yield apply(settings, state, batch)


def test_the_log_in_redis_gives_what_the_day_gives(redis, day, tmp_path):
    played, recorded = play_into(redis, day), read_day(day)
    settings = fleet_settings(recorded.fleets, None)
    oracle, live = DayRun(recorded.log, settings, Spool(tmp_path / "oracle")), Spool(tmp_path / "live")
    run_loop(oracle)
    for applied in taken(redis, "f01", settings["f01"]):
        live.put(applied)
    assert sum(1 for _ in live.events("f01")) > 50
    assert len(live.estimates("f01")) > 1_000
    assert live.digest() == oracle.spool.digest()
    assert played.entries + played.left_out == len(recorded.log) == len(log_of(redis, "f01")) + played.left_out
    known = msgspec.json.decode(redis.hget(FLEETS, "f01"), type=FleetEntry)
    assert known == FleetEntry("Africa/Nairobi", True, shard_of("f01"))


def test_a_recorded_log_is_played_as_its_tables_are(redis, day, tmp_path):
    play_into(redis, day)
    tables = [(entry.received_us, entry.payload) for entry in log_of(redis, "f01")]
    write_log(timeline(read_folder(day)), JudgePolicy(), tmp_path)
    redis.flushall()
    play_into(redis, tmp_path, rounds=2, loop=True)
    log = [(entry.received_us, entry.payload) for entry in log_of(redis, "f01")]
    assert log[: len(tables)] == tables
    assert [moment_us - DAY_US for moment_us, _ in log[len(tables) :]] == [moment_us for moment_us, _ in tables]
    assert sum(b'"f01-v001-r1.2"' in payload for _, payload in log) == sum(b'"f01-v001-r1"' in payload for _, payload in tables) > 0


def test_in_two_rounds_log_time_never_goes_back_and_no_event_has_the_id_of_another(redis, day):
    play_into(redis, day, rounds=2, loop=True)
    given = [msgspec.json.decode(event.payload) for part in taken(redis, "f01", FleetSettings()) for event in part.events]
    received = [entry.received_us for entry in log_of(redis, "f01")]
    assert received == sorted(received)
    assert [id_ for id_, count in Counter(event["id"] for event in given).items() if count > 1] == []
    arrived = [event["data"]["visit_id"] for event in given if event["type"] == "fleetcast.stop_arrived.v1"]
    assert 2 * sum("-r1.2." in visit_id for visit_id in arrived) == len(arrived) > 10


def test_under_a_prefix_it_is_another_fleet(redis, day):
    play_into(redis, day)
    play_into(redis, day, prefix="demo-")
    assert set(redis.hgetall(FLEETS)) == {b"f01", b"demo-f01"}
    assert {msgspec.json.decode(entry.payload)["fleet_id"] for entry in log_of(redis, "demo-f01")} >= {"demo-f01"}


def test_a_day_that_is_over_is_played_again_only_as_a_later_one(redis, day):
    play_into(redis, day)
    with pytest.raises(NotPlayed, match=r"never goes back.*come to .* for fleet f01.*--new-day.*--fleet-prefix"):
        play_into(redis, day)
    for _ in range(2):
        play_into(redis, day, new_day=True)
    received = [entry.received_us for entry in log_of(redis, "f01")]
    assert received == sorted(received)
    assert received[-1] - received[len(received) // 3 - 1] == 2 * DAY_US


def test_what_the_engine_says_counts_as_come_to_even_if_the_log_is_gone(redis, day):
    redis.hset(fleet_key("fleet", "f01"), "now_us", read_day(day).log.span_us()[0])
    with pytest.raises(NotPlayed, match="never goes back"):
        play_into(redis, day)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (FleetEntry("Africa/Nairobi", False, shard_of("f01")), "fleet f01 is live here.*--fleet-prefix"),
        (FleetEntry("UTC", True, shard_of("f01")), "time zone UTC here, and Africa/Nairobi in the day"),
        (FleetEntry("Africa/Nairobi", True, 77), "in shard 77 here"),
    ],
)
def test_a_fleet_that_is_not_the_players_is_left_alone(redis, day, known, words):
    redis.hset(FLEETS, "f01", msgspec.json.encode(known))
    with pytest.raises(NotPlayed, match=words):
        play_into(redis, day)
    assert redis.xlen(log_key(shard_of("f01"))) == 0


def test_how_far_the_engine_is_counts_from_what_it_had_taken_before(redis, day):
    def engine_has(received, now_us):
        totals = Totals(received, 0, 0, {}, {}, 0, 0, 0)
        redis.hset(fleet_key("fleet", "f01"), mapping={"now_us": now_us, "totals": msgspec.json.encode(totals)})

    engine_has(500, START_US)
    log = plan(day, PlayOptions(), redis, SHARDS).log
    assert log.engine() == Engine(0, None)
    log.append([EncodedEntry("f01", i, START_US + i * SECOND_US, "tick", b'{"n":%d}' % i) for i in range(1_500)])
    assert log.engine() == Engine(1_500, 1_499 * SECOND_US)
    engine_has(1_600, START_US + 1_099 * SECOND_US)
    assert log.engine() == Engine(400, 400 * SECOND_US)


def test_what_a_round_that_was_cut_short_left_open_is_ended_before_a_later_one(redis, day):
    play_into(redis, day)
    (fleet_id,) = redis.hkeys(FLEETS)
    name = fleet_id.decode()
    view = RouteView("r7", "van-7", 1, START_US, True, MISSING, False, None, [])
    redis.hset(fleet_key("routes", name), "r7", msgspec.json.encode(view))
    redis.hset(fleet_key("routes", name), "r8", msgspec.json.encode(msgspec.structs.replace(view, route_id="r8", ended_us=START_US)))
    before = len(log_of(redis, name))
    play_into(redis, day, new_day=True)
    entry = log_of(redis, name)[before]
    ended = decode(entry.payload)
    assert isinstance(ended, RouteEnded)
    assert (ended.route_id, ended.vehicle_id) == ("r7", "van-7")
    assert entry.received_us == log_of(redis, name)[before - 1].received_us
