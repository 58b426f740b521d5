"""A sensible order of the stops of a route: nearest neighbour from the depot, then 2-opt until nothing gets shorter."""

import numpy as np

from replay.make_day.streets import Floats


def order_stops(seconds: Floats) -> list[int]:
    """The order in which a round trip from row 0 visits rows 1.. of the symmetric travel matrix `seconds` of shape (n, n)."""
    tour = np.asarray([0, *_nearest(seconds), 0])
    while True:
        here, after = tour[:-1], tour[1:]
        step = seconds[here, after]
        gain = step[:, None] + step[None, :] - seconds[np.ix_(here, here)] - seconds[np.ix_(after, after)]
        gain = np.triu(gain, 1)
        first, second = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[first, second] <= 1e-6:
            return [int(row) for row in tour[1:-1]]
        tour[first + 1 : second + 1] = tour[first + 1 : second + 1][::-1].copy()


def _nearest(seconds: Floats) -> list[int]:
    """From where one is to the nearest stop not yet visited."""
    left = set(range(1, len(seconds)))
    order: list[int] = []
    here = 0
    while left:
        here = min(left, key=lambda row: (float(seconds[here, row]), row))
        left.remove(here)
        order.append(here)
    return order
