"""Who decides: nobody, the nearest van by crow, or the first proposal; and what came of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import msgspec
import numpy as np
from closed_loop.day import FLEET, Day, at_us
from closed_loop.vans import Call

from geofences.positions import distance_m
from replay.make_day.plan import Visit
from stream.apply import Applied
from stream.messages import AnyMessage, StopAdded, StopReassigned
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposal_messages import ProposalAccepted
from stream.proposals import Proposal, RouteChange
from stream.reassign.other_times import LAST
from stream.reassign.takers import open_visits
from stream.reassign.view import weight_of

MISSED_S = 14_400.0


def nothing(_day: Day, _given: Applied) -> Iterable[AnyMessage]:
    return ()


def first(day: Day, given: Applied) -> Iterator[AnyMessage]:
    """Accept the first proposal of everything that has one."""
    for event in given.events:
        said = msgspec.json.decode(event.payload)["data"] if event.kind.startswith("reassignment") else {}
        if event.kind == "reassignment_settled":
            day.settled.append(said)
        elif event.kind == "reassignment_accepted":
            day.accepted += 1
            chosen = day.waiting[said["exception_id"]]
            day.expected_s |= {visit.visit_id: visit.late_after_s for visit in chosen.visits}
        elif event.kind == "reassignment_proposed":
            day.proposed += 1
            yield from _accept(day, said["exception_id"])


def _accept(day: Day, exception_id: str) -> Iterator[AnyMessage]:
    known = day.state.proposals.get(exception_id)
    if known is None or known.proposals[0].kind in LAST:
        return
    chosen = known.proposals[0]
    for stop in (stop for change in chosen.changes for stop in change.added if stop.kind == "handover"):
        day.add_call(stop, stop.metadata["from_vehicle_id"])
    day.broken += violations(day, chosen)
    day.waiting[exception_id] = chosen
    now = instant(at_us(day.now_s))
    yield ProposalAccepted(fleet_id=FLEET, at=now, exception_id=exception_id, number=chosen.number, by="dispatch")


def violations(day: Day, proposal: Proposal) -> list[str]:
    """What an accepted proposal breaks, by the day's own books: room, skills, goods that are not there, shifts."""
    broken, room = [], {duty.vehicle_id: duty for duty in day.duties}
    for change in proposal.changes:
        van, duty, calls = day.vans[change.vehicle_id], room[change.vehicle_id], {stop.visit_id: stop for stop in change.added}
        taken = [name for name in change.visit_ids if name not in change.before_visit_ids and name not in calls]
        load = float(sum(day.world.visits[name].demand for name in van.on_board))
        load += sum(day.world.visits[n].demand for n in van.done if day.world.visits[n].kind == "pickup")
        there = set(van.on_board)
        for name in change.visit_ids:
            visit = day.world.visits[name]
            if name in calls:
                fetched = set(taken) & day.vans[calls[name].metadata["from_vehicle_id"]].on_board
                there |= fetched
                load += sum(day.world.visits[n].demand for n in fetched)
            elif visit.kind == "delivery":
                if name not in there | set(van.done) and not _to_fetch(day, change, name):
                    broken.append(f"{van.vehicle_id} would not have the goods of {name}")
                load -= visit.demand
            elif visit.kind == "pickup":
                load += visit.demand
            if taken and load > duty.capacity + 1e-6:
                broken.append(f"{van.vehicle_id} would carry {load} of {duty.capacity}")
        skills = [day.state.names[day.state.visit_rows[name]].skills for name in taken]
        broken += [f"{van.vehicle_id} lacks a skill" for asked in skills if not set(asked) <= set(duty.skills)]
    for vehicle in proposal.vehicles:
        before = [visit.eta_before for visit in proposal.visits if visit.vehicle_id == vehicle.vehicle_id and visit.eta_before]
        late = vehicle.ends_at and vehicle.shift_end and vehicle.ends_at > vehicle.shift_end
        if late and len(before) < sum(visit.vehicle_id == vehicle.vehicle_id for visit in proposal.visits):
            broken.append(f"{vehicle.vehicle_id} would work until {vehicle.ends_at}")
    return broken


def _to_fetch(day: Day, change: RouteChange, name: str) -> bool:
    """Whether an earlier call at a hand-over that is still ahead brings the goods."""
    passed = [one for one in day.orders(change.vehicle_id) if one not in change.visit_ids]
    before = [*passed, *change.visit_ids[: change.visit_ids.index(name)]]
    givers = [day.vans[str(day.world.visits[n].order_ref)] for n in before if day.world.visits[n].kind == "handover"]
    return any(name in giver.on_board for giver in givers)


def nearest(day: Day, _given: Applied) -> Iterator[AnyMessage]:
    """Each stop of a van that is down goes to the nearest van with room and skills, where it is the smallest detour by crow."""
    handed: set[str] = day.__dict__.setdefault("handed", set())
    state = day.state
    for row in np.flatnonzero(state.vehicles.down[: state.vehicles.count] == 1).tolist():
        if state.vehicle_ids[row] in handed:
            continue
        handed.add(state.vehicle_ids[row])
        yield from _share_out(day, row)


def _share_out(day: Day, giver: int) -> Iterator[AnyMessage]:
    state, v, now = day.state, day.state.vehicles, instant(at_us(day.now_s))
    name, free, calls = state.vehicle_ids[giver], dict[int, float](), dict[int, str]()
    capacity = {duty.vehicle_id: duty for duty in day.duties}
    routes = {row: [state.names[visit].visit_id for visit in open_visits(state, row)] for row in range(v.count) if row != giver}
    for row in routes:
        van = day.vans[state.vehicle_ids[row]]
        free[row] = capacity[van.vehicle_id].capacity - sum(day.world.visits[n].demand for n in van.on_board)
    for visit in [each for each in open_visits(state, giver) if state.names[each].kind in {"pickup", "delivery"}]:
        names = state.names[visit]
        able = [
            row
            for row in routes
            if not v.down[row] and free[row] >= (names.load or 0.0) and set(names.skills) <= set(capacity[state.vehicle_ids[row]].skills)
        ]
        if not able:
            continue
        to = min(able, key=lambda row: float(distance_m(v.lat[row], v.lon[row], state.visits.lat[visit], state.visits.lon[visit])))
        free[to] -= names.load or 0.0
        vehicle_id, current = state.vehicle_ids[to], state.route_of(to)
        route_id = current.route_id if current is not None else f"{vehicle_id}.extra"
        if names.kind == "delivery" and to not in calls:
            calls[to] = f"call.{name}.{vehicle_id}"
            stop = PlannedStop(
                stop_id=f"call.{name}", visit_id=calls[to], lat=float(v.lat[giver]), lon=float(v.lon[giver]), seq=0, kind="handover",
                service_s=300.0, radius_m=100.0,
            )  # fmt: skip
            day.add_call(stop, name)
            if current is None:
                yield from _open(day, route_id, vehicle_id, stop)
            else:
                before = routes[to][0] if routes[to] else None
                yield StopAdded(fleet_id=FLEET, at=now, route_id=route_id, vehicle_id=vehicle_id, stop=stop, before_visit_id=before)
            routes[to].insert(0, calls[to])
        lowest = routes[to].index(calls[to]) + 1 if to in calls else 0
        at = _place(day, routes[to], visit, lowest)
        yield StopReassigned(
            fleet_id=FLEET, at=now, route_id=names.route_id, vehicle_id=name, visit_id=names.visit_id, to_route_id=route_id,
            to_vehicle_id=vehicle_id, before_visit_id=routes[to][at] if at < len(routes[to]) else None,
        )  # fmt: skip
        routes[to].insert(at, names.visit_id)


def _open(day: Day, route_id: str, vehicle_id: str, stop: PlannedStop) -> Iterator[AnyMessage]:
    from stream.messages import RoutePublished, RouteStarted  # noqa: PLC0415

    now = instant(at_us(day.now_s))
    yield RoutePublished(fleet_id=FLEET, at=now, route_id=route_id, vehicle_id=vehicle_id, stops=[stop])
    yield RouteStarted(fleet_id=FLEET, at=now, route_id=route_id, vehicle_id=vehicle_id)


def _place(day: Day, names: list[str], visit: int, lowest: int) -> int:
    """Where it is the smallest detour by crow; a hub stays last."""
    state, doors = day.state, [day.world.visits[name].door for name in names]
    here = day.world.visits[state.names[visit].visit_id].door
    last = len(names) - 1 if names and day.world.visits[names[-1]].kind == "hub" else len(names)
    far = lambda a, b: float(np.hypot(a.x - b.x, a.y - b.y))  # noqa: E731

    def detour(at: int) -> float:
        added = far(doors[at - 1], here) if at > 0 else 0.0
        return added + (far(here, doors[at]) - (far(doors[at - 1], doors[at]) if at > 0 else 0.0) if at < len(doors) else 0.0)

    return min(range(min(lowest, last), last + 1), key=detour)


POLICIES = {"nothing": nothing, "nearest": nearest, "first": first}


@dataclass
class Outcome:
    """What came of a day, or of several."""

    weighted_s: float = 0.0
    served_weighted_s: float = 0.0
    visits: int = 0
    late: int = 0
    unserved: int = 0
    accepted: int = 0
    proposed: int = 0
    stale: int = 0
    broken: int = 0
    overtime_s: float = 0.0
    expected_s: float = 0.0
    came_s: float = 0.0
    settled: int = 0
    expected_served_s: float = 0.0
    came_served_s: float = 0.0

    def plus(self, other: "Outcome") -> "Outcome":
        return Outcome(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    def in_short(self) -> str:
        return f"{self.weighted_s / 3600:.1f} h, {self.late} late, {self.unserved} unserved" + (
            f", {self.broken} broken" if self.broken else ""
        )

    def in_full(self) -> str:
        said = (
            f"{self.weighted_s / 3600:.1f} weighted hours late ({self.served_weighted_s / 3600:.1f} of them served), {self.visits} visits, "
        )
        said += f"{self.late} late, {self.unserved} unserved, {self.overtime_s / 3600:.1f} h overtime, {self.broken} broken rules"
        if self.proposed:
            said += f"; {self.proposed} proposed, {self.accepted} accepted, {self.stale} stale; "
            said += f"of {self.settled} visits {self.expected_s / 3600:.1f} weighted hours late expected, {self.came_s / 3600:.1f} came "
            said += f"(served: {self.expected_served_s / 3600:.2f}, {self.came_served_s / 3600:.2f})"
        return said


def outcome(day: Day) -> Outcome:
    """The day by its own books."""
    calls = {name: call for van in day.vans.values() for name, call in van.done.items() if name not in day.in_vain}
    found = Outcome(accepted=day.accepted, proposed=day.proposed, stale=day.refused.get("stale_proposal", 0), broken=len(day.broken))
    for name, visit in day.world.visits.items():
        if visit.kind not in {"pickup", "delivery"}:
            continue
        found.visits += 1
        call = calls.get(name)
        late_s, weight = _late_s(visit, call), weight_of(visit.priority)
        if name in day.expected_s:
            found.settled += 1
            found.expected_s += weight * day.expected_s[name]
            found.came_s += weight * late_s
            found.expected_served_s += 0.0 if call is None or day.expected_s[name] >= MISSED_S else weight * day.expected_s[name]
            found.came_served_s += 0.0 if call is None else weight * late_s
        found.unserved += call is None
        found.late += late_s > 0
        found.weighted_s += weight * late_s
        found.served_weighted_s += 0.0 if call is None else weight * late_s
    for duty in day.duties:
        last = max((call.done_s for call in day.vans[duty.vehicle_id].done.values()), default=0.0)
        found.overtime_s += max(last - duty.shift_end_s, 0.0)
    return found


def _late_s(visit: Visit, call: Call | None) -> float:
    if call is None:
        return MISSED_S
    return 0.0 if visit.window_end_s is None else min(max(call.came_s - visit.window_end_s, 0.0), MISSED_S)
