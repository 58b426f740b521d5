"""An exception as a line for people: what is late says its times, everything else its cause and whom it harms."""

from datetime import UTC, datetime

from stream.exception_line import Told, exception_line

AT = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


def test_a_stall_says_its_harm():
    told = Told("stalled", AT, vehicle_id="v1", harmed_visits=4, harm_min=12.4)
    assert exception_line(told, UTC, True) == "09:05  STALLED    v1  4 stops, 12 min late in all"


def test_a_silence_says_its_likely_reason():
    told = Told("signal_lost", AT, vehicle_id="v1", likely="parked")
    assert exception_line(told, UTC, True) == "09:05  SIGNAL LOST  v1  parked"


def test_a_failed_plan_without_a_vehicle_still_has_a_line():
    assert exception_line(Told("eta_quality", AT, cause="coverage"), UTC, True) == "09:05  ETA QUALITY  -  coverage"
