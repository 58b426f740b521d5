"""A vehicle that falls silent is told of by the engine, in its own log time, whatever ends in between."""

import msgspec

from stream.moments import EPOCH

LIMIT_S = 300


def told_at(logs, road):
    """Seconds at which `signal_lost` opened, by vehicle."""
    events = [msgspec.json.decode(payload) for _, payload in logs.events("depot")]
    opened = [e["data"] for e in events if ".exception_opened." in e["type"] and e["data"]["exception_kind"] == "signal_lost"]
    return {one["vehicle_id"]: (msgspec.convert(one["detected_at"], type(EPOCH)) - road.at(0)).total_seconds() for one in opened}


def day(road):
    """Three vans; the phones of two fall silent, at odd moments."""
    plans = [
        part
        for vehicle in ("v1", "v2", "v3")
        for part in (
            road.plan(road.stops((50,), vehicle), route_id=f"r{vehicle}", vehicle_id=vehicle),
            road.go(route_id=f"r{vehicle}", vehicle_id=vehicle),
        )
    ]
    quiet = [*road.drive(3, 243, 0, 1_500, "v1"), *road.drive(7, 417, 0, 2_500, "v2")]
    return road.log(plans, quiet, road.drive(0, 900, 0, 5_000, "v3"))


def test_a_quiet_vehicle_is_told_within_a_minute_of_its_limit(run, logs, road):
    logs.append("depot", day(road))
    run().to_end()
    told = told_at(logs, road)
    assert sorted(told) == ["v1", "v2"]
    assert all(LIMIT_S <= told[vehicle] - last_s <= LIMIT_S + 60 for vehicle, last_s in (("v1", 243), ("v2", 417)))
    assert logs.are_whole("depot")


def test_an_engine_that_ends_during_the_silence_tells_of_it_at_the_same_moment(run, logs, road):
    lines = day(road)
    for start in range(0, len(lines), 60):
        logs.append("depot", lines[start : start + 60])
        run().to_end()
    assert sorted(told_at(logs, road)) == ["v1", "v2"]
    assert logs.are_whole("depot")
