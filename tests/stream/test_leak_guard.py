"""Nothing that happens later changes what was said before: truths teach only when they have come."""

import numpy as np
import pytest


def day(road, slower_from: float, slower_s: float):
    """Three vehicles up the road and back to it all afternoon; from a moment on, everybody is so much later everywhere."""
    lines = []
    for run in range(6):
        for number in range(3):
            vehicle, route, start = f"v{number}", f"r{run}.{number}", run * 900 + number * 60
            late_s = slower_s if start >= slower_from else 0.0
            stops = road.stops(prefix=f"{route}.", window_end=road.at(start + 700))
            lines += [road.plan(stops, start, route_id=route, vehicle_id=vehicle), road.go(start + 1, route_id=route, vehicle_id=vehicle)]
            lines += road.drive(start + 10 + late_s, start + 510 + 2 * late_s, 0, 5_200, vehicle)
    return road.log(lines)


def said(played, until_us: int) -> bytes:
    """What was estimated up to a moment."""
    return played.estimates[played.estimates["made_us"] < until_us].tobytes()


@pytest.mark.parametrize("slower_s", [40.0, 200.0])
def test_truths_shifted_after_a_moment_change_no_estimate_made_before_it(road, fleet, slower_s):
    moment = 2_700
    as_it_was, shifted = (fleet().play(day(road, moment, by)) for by in (0.0, slower_s))
    before = as_it_was.estimates["made_us"] < road.us(moment)
    assert before.sum() > 300
    assert said(as_it_was, road.us(moment)) == said(shifted, road.us(moment))
    assert not np.array_equal(as_it_was.estimates, shifted.estimates)  # and it does change what is said after it
