"""Exceptions as people read them, as they come into the stream of events."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from stream.exception_line import Told, exception_line
from stream.live.exception_lines import ExceptionTail
from stream.live.keys import EVENTS, FLEETS
from stream.live.views import FleetEntry

AT = datetime(2025, 10, 9, 9, 43, tzinfo=UTC)
WHOLE = Told("late_risk", AT, "bus-7", "stop-9", "o-1", "c-2", datetime(2025, 10, 9, 9, 45, tzinfo=UTC), AT, 0.514)
DATA = {"exception_kind": "late_risk", "detected_at": "2025-10-09T09:43:00Z", "vehicle_id": "bus-7", "stop_id": "stop-9"}


def say(redis, fleet_id: str, kind: str, **data: object) -> None:
    redis.xadd(EVENTS, {"f": fleet_id, "k": kind, "s": 1, "d": json.dumps({"specversion": "1.0", "data": DATA | data})})


def test_an_opened_one_says_what_is_expected():
    line = exception_line(WHOLE, ZoneInfo("Europe/Berlin"), opened=True)
    assert line == "11:43  LATE RISK  bus-7  stop stop-9 (order o-1, customer c-2)  ETA 11:43, window ends 11:45, P(late) 51 %"


def test_a_resolved_one_says_what_became_of_it():
    told = Told("late_risk", AT, "bus-7", "stop-9", reason="arrived_late")
    assert exception_line(told, UTC, opened=False) == "09:43  resolved   bus-7  stop stop-9  arrived late"


def test_what_is_not_known_leaves_no_hole():
    assert exception_line(Told("stalled", AT, "bus-7"), UTC, opened=True) == "09:43  STALLED    bus-7"
    assert exception_line(Told("stalled", AT), UTC, opened=False) == "09:43  resolved   -"


def test_only_what_comes_from_now_on_is_told_in_the_time_of_its_fleet(redis):
    say(redis, "nfta", "exception_opened")
    redis.hset(FLEETS, "nfta", msgspec.json.encode(FleetEntry("America/New_York", False, 3)))
    tail = ExceptionTail(redis, {"sure": "Asia/Tokyo"})
    for fleet_id in ("nfta", "sure", "unknown"):
        say(redis, fleet_id, "exception_opened")
    say(redis, "nfta", "eta_updated")
    say(redis, "nfta", "exception_updated")
    say(redis, "nfta", "exception_resolved", reason="recovered")
    lines = list(tail.wait(1))
    assert [(line[:5], line.split()[1]) for line in lines] == [
        ("05:43", "LATE"),
        ("18:43", "LATE"),
        ("09:43", "LATE"),
        ("05:43", "resolved"),
    ]
    assert list(tail.wait(1)) == []


def test_an_event_that_cannot_be_read_is_a_line_and_no_end(redis):
    tail = ExceptionTail(redis, {})
    redis.xadd(EVENTS, {"f": "nfta", "k": "exception_opened", "s": 1, "d": "{}"})
    say(redis, "nfta", "exception_opened")
    first, second = tail.wait(1)
    assert first.startswith("an event of fleet nfta cannot be read: ")
    assert second.startswith("09:43")
