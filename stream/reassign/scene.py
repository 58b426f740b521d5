"""A fleet as a solver sees it: places with what they take, and the vehicles' remaining visits as rows of places.

Times are seconds from now. A *place* is a visit, where a vehicle stands now, or where goods change hands. A *free* place may be put between
any two others; the rest only follow where they followed before, so only ways from and to free places are ever asked for.
"""

from dataclasses import dataclass, field

import numpy as np

from eta_models.columns import Flags, Floats, Ints

FIXED = ("hub", "break", "handover")
"""Kinds of visits that stay on their route and in their order."""

NOBODY = -1
"""No place: behind the end of a row of places."""


@dataclass(slots=True)
class Places:
    """One row a place; the last row stands for `NOBODY`, takes nothing and is nowhere."""

    row: Ints
    """Row of the visit, -1 = none."""
    lat: Floats
    lon: Floats
    area: Ints
    stop: Ints
    """A number for each `stop_id`, to find legs by; -1 = no stop."""
    service_s: Floats
    opens_s: Floats
    """-inf = none."""
    closes_s: Floats
    """inf = none."""
    hold: Floats
    """Share of an early arrival that is waited out."""
    weight: Floats
    load: Floats
    """What it takes on (pickup) or gives away (delivery, below 0) of the vehicle's load."""
    fetched: Floats
    """What of it has to be fetched at a hand-over first."""
    home: Ints
    """The place of that hand-over, -1 = nothing has to be fetched."""
    hard: Flags
    """Whether arriving after `closes_s` is impossible instead of late."""
    free: Ints
    """Number among the free places, -1 = not free."""


@dataclass(slots=True)
class Tours:
    """One row a vehicle that may drive: where it is, what it may do, and its remaining visits in order."""

    vehicle: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    """The place where it is now."""
    ready_s: list[float] = field(default_factory=list)
    """When it can leave from there."""
    rows: list[list[int]] = field(default_factory=list)
    """Places of its remaining visits."""
    room: list[float] = field(default_factory=list)
    """Capacity, inf where nobody said."""
    on_board: list[float] = field(default_factory=list)
    end_s: list[float] = field(default_factory=list)
    """When it must be done, inf where nobody said."""
    skills: list[frozenset[str]] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    """Of its row as it is."""

    def last(self, tour: int, hubs: Flags) -> int:
        """How many places of its row a new one may stand behind: not behind the hub at the end."""
        row = self.rows[tour]
        return len(row) - 1 if row and hubs[row[-1]] else len(row)


@dataclass(slots=True)
class Scene:
    """Places, tours and the ways between them."""

    places: Places
    tours: Tours
    hubs: Flags
    skills: list[frozenset[str]]
    """What each place asks for."""
    follow_s: Floats
    """From the place that came before it when the scene was taken."""
    to_free_s: Floats
    """From any place to a free one: shape (places, free)."""
    from_free_s: Floats
    drive_weight: float

    def way_s(self, before: Ints, after: Ints) -> Floats:
        """Seconds from place to place, elementwise; 0 to nobody."""
        free_after, free_before = self.places.free[after], self.places.free[before]
        to_free = self.to_free_s[before, np.maximum(free_after, 0)]
        from_free = self.from_free_s[np.maximum(free_before, 0), after]
        seconds = np.where(free_after >= 0, to_free, np.where(free_before >= 0, from_free, self.follow_s[after]))
        return np.where(after == NOBODY, 0.0, seconds)


@dataclass(frozen=True, slots=True)
class Followed:
    """What following rows of places gives: one row each; arrivals have a column a place."""

    cost: Floats
    """inf where it cannot be done."""
    arrival_s: Floats
    end_s: Floats
    drive_s: Floats


def follow(scene: Scene, tour: Ints, rows: Ints) -> Followed:
    """Drive, wait and serve along each row of places, which `NOBODY` fills up; `tour` says whose row it is."""
    places, tours = scene.places, scene.tours
    room, end_by = np.array(tours.room)[tour], np.array(tours.end_s)[tour]
    before, clock = np.array(tours.start, dtype=np.int64)[tour], np.array(tours.ready_s)[tour]
    load = np.array(tours.on_board)[tour]
    cost, drive, possible = np.zeros(len(rows)), np.zeros(len(rows)), load <= room + 1e-9
    arrival = np.empty(rows.shape)
    for at in range(rows.shape[1]):
        here = np.ascontiguousarray(rows[:, at])
        there = here != NOBODY
        way = scene.way_s(before, here)
        drive += way
        came = clock + way
        arrival[:, at] = came
        load = load + np.where(places.hard[here], _fetched(places, rows, here), places.load[here])
        late = came - places.closes_s[here]
        possible &= (load <= room + 1e-9) & ~(places.hard[here] & (late > 0))
        cost += places.weight[here] * expected_late_s(late, came)
        waited = np.maximum(places.opens_s[here] - came, 0.0) * places.hold[here]
        clock = np.where(there, came + waited + places.service_s[here], clock)
        before = np.where(there, here, before)
    own = np.array(tours.cost)[tour] if tours.cost else np.zeros(len(rows))
    possible &= clock <= end_by
    compared = cost + scene.drive_weight * drive - np.where(np.isfinite(own), own, 0.0)
    return Followed(np.where(possible, compared, np.inf), arrival, clock, drive)


def _fetched(places: Places, rows: Ints, here: Ints) -> Floats:
    """What each row of places fetches where it is, which is a hand-over."""
    calling, taken = np.flatnonzero(places.hard[here]), np.zeros(len(rows))
    if len(calling):
        theirs = rows[calling]
        taken[calling] = np.where(places.home[theirs] == here[calling, None], places.fetched[theirs], 0.0).sum(axis=1)
    return taken


def expected_late_s(late_s: Floats, ahead_s: Floats) -> Floats:
    """How late on average, of an arrival that is expected so late (negative = early) and lies so far ahead.

    A smooth hinge: errors of estimates grow with the root of the horizon (25 s at a minute), and what is only just in time is late half
    of the time.
    """
    spread = 25.0 * np.sqrt(np.maximum(ahead_s, 60.0) / 60.0)
    late = np.maximum(late_s, -1e9)
    return np.asarray(0.5 * (late + np.sqrt(late * late + spread * spread)))
