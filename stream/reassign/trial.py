"""One thing to try: other orders of visits, put into the words of a proposal's changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from stream.fleet import FleetState
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposals import Handing, ProposalKind, RouteChange, WindowOffer
from stream.reassign.policy import ReassignPolicy
from stream.reassign.takers import open_visits
from stream.reassign.view import Handover

AGAIN = -1
"""Stands for the second attempt among rows of visits."""


def call_code(number: int) -> int:
    """Stands for the call at a hand-over among rows of visits."""
    return AGAIN - 1 - number


@dataclass(frozen=True, slots=True)
class Trial:
    """New orders of open visits by vehicle (rows of both). `moved` have another place or route than before."""

    kind: ProposalKind
    orders: Mapping[int, Sequence[int]]
    moved: frozenset[int] = frozenset()
    handovers: tuple[Handover, ...] = ()
    fetched: Mapping[int, int] = field(default_factory=dict)
    """Of visits whose goods have to be fetched: the number of the hand-over."""
    again: PlannedStop | None = None
    windows: list[WindowOffer] = field(default_factory=list)
    shifts_s: Mapping[int, float] = field(default_factory=dict)
    """By how much the search thinks that visits come later, where it knows: models that lean on the plan believe what a plan says."""


def changes_of(tried: FleetState, policy: ReassignPolicy, trial: Trial) -> list[RouteChange]:
    """The changes that a trial means."""
    return [_change(tried, policy, trial, vehicle, order) for vehicle, order in trial.orders.items()]


def _change(tried: FleetState, policy: ReassignPolicy, trial: Trial, vehicle: int, order: Sequence[int]) -> RouteChange:
    route, added = tried.route_of(vehicle), list[PlannedStop]()
    names = list[str]()
    for row in order:
        if row == AGAIN and trial.again is not None:
            added.append(trial.again)
        elif row < AGAIN:
            added.append(_call(tried, policy, trial.handovers[AGAIN - 1 - row], vehicle, len(names)))
        names.append(tried.names[row].visit_id if row >= 0 else str(added[-1].visit_id))
    vehicle_id = tried.vehicle_ids[vehicle]
    return RouteChange(
        route_id=route.route_id if route is not None else f"{vehicle_id[:48]}.standby-{tried.route_numbers}",
        vehicle_id=vehicle_id,
        before_visit_ids=[tried.names[row].visit_id for row in open_visits(tried, vehicle)],
        visit_ids=names,
        added=added,
        starts=route is None,
    )


def handings_of(tried: FleetState, trial: Trial, changes: Sequence[RouteChange]) -> list[Handing]:
    """Where goods change hands, and whose; when is not known yet."""
    found = []
    for vehicle, change in zip(trial.orders, changes, strict=True):
        calls = (stop for stop in change.added if stop.kind == "handover")
        numbers = (AGAIN - 1 - row for row in trial.orders[vehicle] if row < AGAIN)
        for stop, number in zip(calls, numbers, strict=True):
            goods = [tried.names[row].visit_id for row in trial.orders[vehicle] if trial.fetched.get(row) == number]
            giver = stop.metadata["from_vehicle_id"]
            found.append(
                Handing(
                    visit_id=str(stop.visit_id),
                    from_vehicle_id=giver,
                    to_vehicle_id=change.vehicle_id,
                    lat=stop.lat,
                    lon=stop.lon,
                    goods_visit_ids=goods,
                )
            )
    return found


def _call(tried: FleetState, policy: ReassignPolicy, handover: Handover, vehicle: int, place: int) -> PlannedStop:
    """The call at a hand-over, as a visit of the vehicle that takes over."""
    giver, taker = tried.vehicle_ids[handover.vehicle] if handover.vehicle >= 0 else "depot", tried.vehicle_ids[vehicle]
    name = f"handover.{giver[:20]}.{taker[:20]}.{tried.position % 10**9}"
    begins = None if handover.from_s <= 0 else instant(tried.now_us) + timedelta(seconds=round(handover.from_s))
    return PlannedStop(
        stop_id=f"handover.{giver[:48]}",
        visit_id=name,
        lat=handover.lat,
        lon=handover.lon,
        seq=place,
        kind="handover",
        radius_m=100.0,
        window_start=begins,
        service_s=policy.handover_s,
        metadata={"from_vehicle_id": giver},
    )
