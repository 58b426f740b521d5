"""When a van truly arrived at and left a stop: the true path, straight and even between its points, and the stop's circle."""

from dataclasses import dataclass

import numpy as np

from replay.make_day.drive import Driven, Run
from replay.make_day.streets import Floats


@dataclass(frozen=True)
class Circle:
    """The arrival radius of a stop in local metres."""

    x: float
    y: float
    radius_m: float


def first_inside_s(driven: Driven, circle: Circle, from_s: float) -> float | None:
    """The first time >= `from_s` at which the true path is inside the circle; None if it never is."""
    return _first(driven, circle, from_s, inside=True)


def first_outside_s(driven: Driven, circle: Circle, from_s: float) -> float | None:
    """The first time >= `from_s` at which the true path is outside the circle; None if it stays inside."""
    return _first(driven, circle, from_s, inside=False)


def arrivals(driven: Driven, run: Run) -> list[tuple[float | None, float | None]]:
    """Arrival and departure of every visit of the plan, in seconds of the local day, None where there was none.

    A visit's arrival is the first moment after the work at the visit before it was done (for the first: after the start) at
    which the true path is inside its radius. Its departure is the exit after its own work was done, or the arrival at the next
    visit if that comes first (two customers in one building).
    """
    circles = [Circle(visit.door.x, visit.door.y, visit.door.radius_m) for visit in run.route.visits]
    came: list[float | None] = [None] * len(circles)
    left: list[float | None] = [None] * len(circles)
    after_s = run.started_s
    for number, call in enumerate(run.calls):
        came[number] = first_inside_s(driven, circles[number], after_s)
        after_s = call.done_s
        left[number] = first_outside_s(driven, circles[number], after_s)
    for number, next_s in enumerate(came[1:]):
        leaving_s = left[number]
        if next_s is not None and leaving_s is not None:
            left[number] = min(leaving_s, next_s)
    return list(zip(came, left, strict=True))


def _first(driven: Driven, circle: Circle, from_s: float, inside: bool) -> float | None:
    """Walks the path from `from_s`; the crossing of a segment and the circle is the root of a quadratic."""
    t, x, y = _path_after(driven, from_s)
    x, y = x - circle.x, y - circle.y
    within = x * x + y * y <= circle.radius_m**2
    if bool(within[0]) == inside:
        return from_s
    dx, dy = np.diff(x), np.diff(y)
    a = dx * dx + dy * dy
    b = x[:-1] * dx + y[:-1] * dy
    c = x[:-1] ** 2 + y[:-1] ** 2 - circle.radius_m**2
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    share = ((-b - root) if inside else (-b + root)) / np.maximum(a, 1e-12)
    crosses = (a > 0.0) & (b * b - a * c > 0.0) & (share >= 0.0) & (share <= 1.0)
    if not crosses.any():
        return None
    first = int(np.argmax(crosses))
    return float(t[first] + share[first] * (t[first + 1] - t[first]))


def _path_after(driven: Driven, from_s: float) -> tuple[Floats, Floats, Floats]:
    """The path from `from_s` on, its first point interpolated."""
    start = int(np.searchsorted(driven.t_s, from_s, side="right"))
    x, y = np.interp(from_s, driven.t_s, driven.x), np.interp(from_s, driven.t_s, driven.y)
    t = np.concatenate([[from_s], driven.t_s[start:]])
    return t, np.concatenate([[x], driven.x[start:]]), np.concatenate([[y], driven.y[start:]])
