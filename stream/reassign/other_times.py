"""What is left where nobody can come in time: another window today, another attempt, another day. Customers have to agree."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.fleet import FleetState
from stream.moments import instant, instant_or_none
from stream.planned_stop import PlannedStop
from stream.proposals import Proposal, WindowOffer
from stream.reassign.publishing import as_planned
from stream.reassign.takers import open_visits
from stream.reassign.trial import AGAIN, Trial
from stream.troubles import Trouble

LAST = ("reschedule", "another_day")
"""Kinds that come behind all others: they break the promise that was to be kept."""
QUARTER_US = 900_000_000
DAY_US = 86_400_000_000


def reschedule(tried: FleetState, trouble: Trouble) -> Iterator[Trial]:
    """Another window, around when it will be."""
    offers = [_around(tried, row, int(tried.visits.p50_us[row])) for row in trouble.visits if tried.visits.p50_us[row] != MISSING]
    if offers:
        yield Trial("reschedule", {}, windows=offers)


def another_day(tried: FleetState, trouble: Trouble, priced: Sequence[Proposal]) -> Iterator[Trial]:
    """The day after, at the same time of day, for visits that nothing saves today: they leave the route."""
    lost = [row for row in trouble.visits if not any(_saves(trouble, proposal, tried.names[row].visit_id) for proposal in priced)]
    if lost:
        kept = [row for row in open_visits(tried, trouble.vehicle) if row not in set(lost)]
        orders = {} if trouble.kind == "stop_failed" else {trouble.vehicle: kept}
        yield Trial("another_day", orders, windows=[_next_day(tried, row) for row in lost])


def _saves(trouble: Trouble, proposal: Proposal, visit_id: str) -> bool:
    """Whether a proposal keeps a promise: in time, or of a visit to which nobody would come, that somebody comes."""
    if proposal.kind in LAST:
        return False
    return trouble.kind == "stop_failed" or visit_id in proposal.saved_visit_ids or (
        trouble.kind == "vehicle_down" and visit_id not in proposal.unserved_visit_ids
    )  # fmt: skip


def second_attempt(tried: FleetState, trouble: Trouble) -> Iterator[Trial]:
    """A visit that failed is tried again by the same vehicle, before its hub, without a window of its own."""
    (failed,) = trouble.visits
    ahead = open_visits(tried, trouble.vehicle)
    at = next((i for i, row in enumerate(ahead) if tried.names[row].kind == "hub"), len(ahead))
    yield Trial("again", {trouble.vehicle: [*ahead[:at], AGAIN, *ahead[at:]]}, again=_copy_of(tried, failed))


def _offer(tried: FleetState, visit: int, start_us: int, end_us: int) -> WindowOffer:
    names = tried.names[visit]
    return WindowOffer(
        visit_id=names.visit_id,
        window_start=instant_or_none(start_us),
        window_end=instant_or_none(end_us),
        order_ref=names.order_ref,
        customer_ref=names.customer_ref,
    )


def _around(tried: FleetState, visit: int, expected_us: int) -> WindowOffer:
    """Two hours, beginning half an hour before an arrival, on the quarter."""
    start_us = (expected_us - 2 * QUARTER_US) // QUARTER_US * QUARTER_US
    return _offer(tried, visit, start_us, start_us + 8 * QUARTER_US)


def _next_day(tried: FleetState, visit: int) -> WindowOffer:
    """Its window, a day later; all of the next day where it has none."""
    opens_us, closes_us = int(tried.visits.opens_us[visit]), int(tried.visits.closes_us[visit])
    if opens_us == closes_us == MISSING:
        local_us = tried.now_us + tried.utc_offset_s * 1_000_000
        midnight = instant(local_us - local_us % DAY_US - tried.utc_offset_s * 1_000_000) + timedelta(days=1)
        return replace(_offer(tried, visit, MISSING, MISSING), window_start=midnight, window_end=midnight + timedelta(days=1))
    days = max(1, 1 + (tried.now_us - (closes_us if closes_us != MISSING else opens_us)) // DAY_US) * DAY_US
    return _offer(tried, visit, *(at_us if at_us == MISSING else at_us + days for at_us in (opens_us, closes_us)))


def _copy_of(tried: FleetState, row: int) -> PlannedStop:
    """Another visit of the same kind, without times of its own."""
    stop = as_planned(tried, row)
    times = {"planned_arrival": None, "window_start": None, "window_end": None, "connects_to_visit_id": None}
    return replace(stop, visit_id=f"{str(stop.visit_id)[:56]}.again", **times)
