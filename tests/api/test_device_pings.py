"""Units of devices, exactly."""

from api.device_pings import KMH, KNOTS, moment, speed_mps


def test_a_knot_is_a_nautical_mile_an_hour() -> None:
    assert speed_mps("3600", KNOTS) == 1852.0
    assert speed_mps(36, KMH) == 10.0
    assert speed_mps(-1, KNOTS) is None
    assert speed_mps("fast", KNOTS) == "fast"


def test_seconds_and_milliseconds_are_told_apart() -> None:
    assert moment("1749956579") == moment(1749956579000) == moment("1749956579000") == 1_749_956_579_000
    assert moment("1749956579.25") == 1_749_956_579_250
