"""Questions to the fleet as it stands: what if, and who could take this? They are entries of the log, and change nothing."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stream.moments import Moment
from stream.planned_stop import PlannedStop, Whole

Change = Literal["move", "window", "delay", "vehicle_out", "traffic", "reoptimise"]


class Supposition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is supposed: `change` says what, and which of the other fields it needs.

    `move`: the visit goes to `to_vehicle_id`, before `before_visit_id` or at the end. `window`: it gets another one. `delay`: the vehicle
    stands still for `delay_s`. `vehicle_out`: it cannot go on. `traffic`: ways that end in an area with a visit within `radius_m` of a
    place take `factor` times as long. `reoptimise`: all open visits of `vehicle_ids`, or of the whole fleet, are planned anew.
    """

    change: Change
    visit_id: str | None = None
    vehicle_id: str | None = None
    to_vehicle_id: str | None = None
    before_visit_id: str | None = None
    window_start: Moment | None = None
    window_end: Moment | None = None
    delay_s: float | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    factor: float | None = None
    vehicle_ids: Annotated[list[str], Meta(max_length=500)] = []


class WhatIfAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="what_if_asked"):
    """What would become of the fleet's arrivals, if? The answer is kept for ten minutes under `question_id`."""

    fleet_id: str
    at: Moment
    question_id: str
    changes: Annotated[list[Supposition], Meta(min_length=1, max_length=50)]


class CandidatesAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="candidates_asked"):
    """Which vehicles could take this visit, where in their routes, and what that would do to their other visits?

    Goods that have to be loaded first lie at `load_lat`, `load_lon`.
    """

    fleet_id: str
    at: Moment
    question_id: str
    stop: PlannedStop
    load_lat: float | None = None
    load_lon: float | None = None
    most: Whole = 5
