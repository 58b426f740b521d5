"""What could be done about an exception, as a solver answers and as dispatch accepts: messages of the log like any other.

Times are moments, durations seconds. A change says the whole order of the open visits of a route, before and after, so that it can be seen
whether it still fits.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stream.moments import Moment
from stream.planned_stop import PlannedStop, Whole

ProposalKind = Literal["resequence", "move", "standby", "again", "reschedule", "another_day"]
MOST_VISITS = 500


class RouteChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route whose open visits get another order, give some away, or take some over.

    `added` are visits among `visit_ids` that no plan has yet: hand-overs, second attempts. `starts`: the route is made for a vehicle that
    stands by, and begins at once.
    """

    route_id: str
    vehicle_id: str
    before_visit_ids: Annotated[list[str], Meta(max_length=MOST_VISITS)]
    visit_ids: Annotated[list[str], Meta(max_length=MOST_VISITS)]
    added: Annotated[list[PlannedStop], Meta(max_length=MOST_VISITS)] = []
    starts: bool = False


class WindowOffer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another window for a visit, which its customer has to agree to: whom to tell. Of `another_day`, one on a later day."""

    visit_id: str
    window_start: Moment | None = None
    window_end: Moment | None = None
    order_ref: str | None = None
    customer_ref: str | None = None


class Handing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where goods change vehicles: the call `visit_id` that the one that takes over makes, when it comes (P50), and whose goods."""

    visit_id: str
    from_vehicle_id: str
    to_vehicle_id: str
    lat: float
    lon: float
    eta: Moment | None = None
    goods_visit_ids: Annotated[list[str], Meta(max_length=MOST_VISITS)]


class VisitOutlook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visit before and after: P50 of its arrival, how late that is, and P(late). Null: nobody would come, or it has no window.

    `shift_s` is by how much its planned arrival moves along; null where it has none from then on, because it has another place.
    """

    visit_id: str
    vehicle_id: str | None
    eta_before: Moment | None
    eta_after: Moment | None
    late_before_s: float
    late_after_s: float
    p_late_before: float | None
    p_late_after: float | None
    shift_s: float | None = None


class VehicleOutlook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a vehicle would carry at most, and when it would be done, beside what it may."""

    vehicle_id: str
    most_load: float
    capacity: float | None
    ends_at: Moment | None
    shift_end: Moment | None


class ProposalInShort(Struct, frozen=True, kw_only=True):
    """What an exception says of a proposal; all of it is at `GET /v1/exceptions/{id}/proposals`. Names and units as in `Proposal`."""

    number: Whole
    kind: ProposalKind
    drive_added_s: float
    late_before_s: float
    late_after_s: float
    saved_visit_ids: list[str]
    late_visit_ids: list[str]
    unserved_visit_ids: list[str] = []
    holds_until: Moment


class Proposal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that could be done, and what it would do. `late_before_s` and `late_after_s` are lateness times 1 + priority, summed."""

    number: Whole
    kind: ProposalKind
    changes: Annotated[list[RouteChange], Meta(max_length=MOST_VISITS)]
    windows: Annotated[list[WindowOffer], Meta(max_length=MOST_VISITS)] = []
    handovers: Annotated[list[Handing], Meta(max_length=MOST_VISITS)] = []
    visits: list[VisitOutlook]
    vehicles: list[VehicleOutlook]
    drive_added_s: float
    late_before_s: float
    late_after_s: float
    saved_visit_ids: list[str]
    late_visit_ids: list[str]
    """Others that would become late."""
    unserved_visit_ids: list[str] = []
    holds_until: Moment


def in_short(proposal: Proposal) -> ProposalInShort:
    """The part of a proposal by which it is ranked and read."""
    return ProposalInShort(**{name: getattr(proposal, name) for name in ProposalInShort.__struct_fields__})
