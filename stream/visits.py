"""Every visit of every route that is not over, in columns: the visits of a route are consecutive rows in planned order."""

from enum import IntEnum
from typing import ClassVar

import numpy as np

from eta_models.columns import MISSING, Columns, Flags, Floats, Floats32, Ints, Ints32, Small


class VisitState(IntEnum):
    """Where a visit is in its life. OPEN visits have an ETA."""

    OPEN = 0
    ARRIVED = 1
    DEPARTED = 2
    COMPLETED = 3
    FAILED = 4
    SKIPPED = 5
    CANCELLED = 6
    MOVED = 7


OPEN, ARRIVED, DEPARTED, COMPLETED, FAILED, SKIPPED, CANCELLED, MOVED = map(int, VisitState)
"""The same as plain numbers: looking up an enum member costs as much as the comparison it is for, ten times over."""


class Visits(Columns):
    """Plan, progress, last estimate and risk of visits. Times are microseconds since 1970 UTC, `MISSING` where there is none."""

    FIELDS: ClassVar = {
        "number": ("i8", -1),
        "state": ("i1", 0),
        "lat": ("f8", 0.0),
        "lon": ("f8", 0.0),
        "radius_m": ("f4", 0.0),
        "planned_us": ("i8", MISSING),
        "opens_us": ("i8", MISSING),
        "closes_us": ("i8", MISSING),
        "service_s": ("f4", float("nan")),
        "leg": ("i4", -1),
        "place": ("i4", -1),
        "area": ("i4", -1),
        "leg_m": ("f4", float("nan")),
        "leg_planned_s": ("f4", float("nan")),
        "entered_us": ("i8", MISSING),
        "stood": ("i1", 0),
        "arrived_us": ("i8", MISSING),
        "done_us": ("i8", MISSING),
        "revised_us": ("i8", MISSING),
        "revisions": ("i4", 0),
        "p10_us": ("i8", MISSING),
        "p50_us": ("i8", MISSING),
        "p90_us": ("i8", MISSING),
        "p_late": ("f4", float("nan")),
        "shown_us": ("i8", MISSING),
        "shows": ("i4", 0),
        "by_service_s": ("i2", 0),
        "by_wait_s": ("i4", 0),
        "by_break_s": ("i2", 0),
        "moved_service_s": ("i2", 0),
        "moved_wait_s": ("i2", 0),
        "moved_break_s": ("i2", 0),
        "asked_us": ("i8", MISSING),
        "asked_s": ("f4", 0.0),
        "question": ("i4", -1),
        "kept": ("i2", 0),
        "at_risk": ("i1", 0),
        "high_us": ("i8", MISSING),
        "low_us": ("i8", MISSING),
        "rearms_us": ("i8", MISSING),
        "risk_told_us": ("i8", MISSING),
        "risk_p50_us": ("i8", MISSING),
        "risk_p": ("f4", float("nan")),
        "found": ("i1", 0),
        "connects": ("i1", 0),
        "rests": ("i1", 0),
    }

    number: Ints
    """Running number of the visit in its fleet, never used again: what predictions are filed under."""
    state: Small
    lat: Floats
    lon: Floats
    radius_m: Floats32
    planned_us: Ints
    opens_us: Ints
    closes_us: Ints
    service_s: Floats32
    """Planned service time; NaN = none planned."""
    leg: Ints32
    """The model's number of the leg that ends here."""
    place: Ints32
    """The model's number of this place."""
    area: Ints32
    """The model's number of the area around the stop."""
    leg_m: Floats32
    """Crow distance from the stop before; NaN for the first of a route."""
    leg_planned_s: Floats32
    """Planned travel time from the stop before; NaN where the plan has none."""
    entered_us: Ints
    """First entry into the radius while an earlier visit was still open. Of a visit the vehicle is at: see `steps/leaving.py`."""
    stood: Small
    """Whether the vehicle has stood there since `entered_us` while its driver's word was awaited (1). Of a visit the vehicle is at: whether
    it has stayed for long enough, see `steps/leaving.py`."""
    arrived_us: Ints
    done_us: Ints
    """When the work was done, had failed, or was let be, as the driver said."""
    revised_us: Ints
    """Time of the last `window_changed`."""
    revisions: Ints32
    """How often its window or its arrival was said anew."""
    p10_us: Ints
    p50_us: Ints
    p90_us: Ints
    p_late: Floats32
    shown_us: Ints
    """P50 of the last `eta_updated`, and how many there were."""
    shows: Ints32
    by_service_s: Ints
    """What the last estimate is made of besides the drive (`steps/terms.py`)."""
    by_wait_s: Ints32
    by_break_s: Ints
    moved_service_s: Ints
    """By how much each of them has moved P50 since the last `eta_updated`."""
    moved_wait_s: Ints
    moved_break_s: Ints
    asked_us: Ints
    """When the last question that will be learned from was put, and how far ahead the arrival then seemed (`asked_s`)."""
    asked_s: Floats32
    question: Ints32
    """Newest of the kept questions about this visit, -1 = none; and how many are kept."""
    kept: Ints
    at_risk: Small
    """Stage of its `late_risk` (`stream/exceptions/late_risk.py`), 0 = none is open."""
    high_us: Ints
    """Since when P(late) has been high enough to open it, and since when low enough to resolve it (`low_us`)."""
    low_us: Ints
    rearms_us: Ints
    """Before this it is not opened again."""
    risk_told_us: Ints
    """When it was told last, with which P50 and P(late)."""
    risk_p50_us: Ints
    risk_p: Floats32
    found: Small
    """1 = its arrival was found by position."""
    connects: Small
    """1 = goods change vehicles here: `VisitNames.connects_to_visit_id`."""
    rests: Small
    """1 = a planned break of the driver: its service is one."""

    def again(self, rows: Ints) -> Flags:
        """Which visits are another call at the place of the visit before them, with no service in between: a layover."""
        same = (self.leg[rows] >= 0) & (self.place[rows] >= 0) & (self.place[rows] == self.place[rows - 1])
        return np.asarray(same & ~(self.service_s[rows - 1] > 0), dtype=np.bool_)
