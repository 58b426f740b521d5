"""Stays in fences as they stand in Redis: exactly those that events told, whatever ends in between."""

import msgspec
import numpy as np
import pytest

from stream.live.keys import fleet_key
from stream.live.run import run as run_to_its_end
from stream.live.views import STAY, STAYS_KEPT
from stream.moments import EPOCH
from stream.outputs import Numbered


@pytest.fixture
def rounds(road):
    """A vehicle that goes into a fence and out again, twice, and another one through it."""
    out_and_in = [road.drive(200 * i, 200 * i + 190, 2_000 * (i % 2), 2_000 * (i % 2)) for i in range(5)]
    return road.log(road.square("yard", 0, 1_900, 2_100), *out_and_in, road.drive(0, 600, 0, 6_000, "v2", step=20))


def left(logs, fleet_id):
    """(entered, left, fence) by vehicle, of every event of an exit."""
    found = {}
    for _, payload in logs.events(fleet_id):
        event = msgspec.json.decode(payload)
        if ".geofence_exited." in event["type"]:
            data = event["data"]
            found.setdefault(data["vehicle_id"], []).append((micros(data["entered_at"]), micros(data["occurred_at"]), data["fence_id"]))
    return found


def micros(text):
    return (msgspec.convert(text, type(EPOCH)) - EPOCH) // (msgspec.convert("1970-01-01T00:00:00.000001Z", type(EPOCH)) - EPOCH)


def kept(client, fleet_id):
    """The same as it stands in Redis."""
    rows = {name.decode(): np.frombuffer(raw, STAY) for name, raw in client.hgetall(fleet_key("stays", fleet_id)).items()}
    return {name: [(int(r["entered_us"]), int(r["left_us"]), r["fence_id"].decode()) for r in mine] for name, mine in rows.items()}


def test_every_exit_stands_once_in_the_history_of_its_vehicle_however_often_the_engine_ends(run, logs, rounds, client, settings):
    for i in range(0, len(rounds), 30):
        logs.append("depot", rounds[i : i + 30])
        run(settings=settings.model_copy(update={"batch": 7})).to_end()
    assert logs.are_whole("depot")
    assert {name: len(mine) for name, mine in left(logs, "depot").items()} == {"v1": 2, "v2": 1}
    assert kept(client, "depot") == left(logs, "depot")
    assert int(client.hget(fleet_key("fleet", "depot"), "stays_from")) == 0  # it has been heard from its first event on


def test_a_history_that_redis_lost_with_its_last_second_is_written_again(run, logs, rounds, client, moment, settings):
    half = len(rounds) // 2
    logs.append("depot", rounds[:half])
    run().to_end()
    before = moment()
    logs.append("depot", rounds[half:])
    run().to_end()
    whole = kept(client, "depot")
    before.come_back()
    logs.append("depot", rounds[half:])
    turns = iter(range(100))
    assert run_to_its_end(settings, client, range(16), 0, lambda: next(turns) > 5) == 0
    assert kept(client, "depot") == whole == left(logs, "depot")


def test_only_the_newest_stays_of_a_vehicle_are_kept(client, writer, order):
    def exit_of(number):
        times = {"entered_at": f"2026-03-02T09:00:00.{number:06d}Z", "occurred_at": "2026-03-02T10:00:00Z"}
        data = {"vehicle_id": "v1", "fence_id": "yard", **times}
        return Numbered(number, number, "geofence_exited", msgspec.json.encode({"data": data}))

    one = writer()
    one.write([order(1, [exit_of(number) for number in range(150)])])
    one.write([order(2, [exit_of(number) for number in range(150, 151)])])
    rows = np.frombuffer(client.hget(fleet_key("stays", "f1"), "v1"), STAY)
    assert len(rows) == STAYS_KEPT
    assert rows["detected_us"].tolist() == list(range(51, 151))
