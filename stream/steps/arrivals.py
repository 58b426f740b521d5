"""Arrivals and departures of one vehicle: what they change, what they teach, what is told."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from geofences.paths import Passing, passing
from stream.exceptions.noting import note_fact
from stream.fleet import FleetState, Truth
from stream.outputs import Outputs
from stream.steps.corridor import keep_run
from stream.steps.risk import settle
from stream.trails import trail_to
from stream.visit_events import visit_event
from stream.visits import ARRIVED, DEPARTED, OPEN, SKIPPED, Visits, VisitState

CORRECTION_US = 30_000_000
"""Clocks and fingers are that slow: an arrival that the driver reports so far from the one that was found replaces it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The path of one vehicle between its last two live fixes, and the log entry that gave the newer one."""

    row: int
    position: int
    now_us: int
    from_us: int
    to_us: int
    path: tuple[float, float, float, float]

    @classmethod
    def of(cls, state: FleetState, row: int, position: int, now_us: int) -> "Segment":
        """The newest path of vehicle `row`."""
        v = state.vehicles
        path = (float(v.was_lat[row]), float(v.was_lon[row]), float(v.lat[row]), float(v.lon[row]))
        return cls(row, position, now_us, int(v.was_at_us[row]), int(v.at_us[row]), path)

    def start_share(self, state: FleetState) -> float:
        """Where on the path the current stay or leg began: a route that started on the way does not look back."""
        here = int(state.vehicles.here[self.row])
        return self.share_at(int(state.visits.arrived_us[here] if here >= 0 else state.vehicles.left_us[self.row]))

    def share_at(self, at_us: int) -> float:
        """The share of the path driven at a time: 0 before it, 1 after it."""
        return 0.0 if self.to_us <= self.from_us else min(1.0, max(0.0, (at_us - self.from_us) / (self.to_us - self.from_us)))

    def share_since(self, at_us: int) -> float:
        """The same, below 0 for a time before the path."""
        return self.share_at(at_us) if at_us >= self.from_us else (at_us - self.from_us) / max(self.to_us - self.from_us, 1)

    def at_us(self, share: float) -> int:
        """When the vehicle was at a share of the path."""
        return self.from_us + round(share * (self.to_us - self.from_us))

    def past(self, visits: Visits, visit: int, share: float = 0.0) -> Passing:
        """The path, or what is left of it behind a share, as seen from a stop."""
        x0, y0, x1, y1 = whole = passing(self.path, float(visits.lat[visit]), float(visits.lon[visit]))
        return Passing(x0 + share * (x1 - x0), y0 + share * (y1 - y0), x1, y1) if share else whole

    def place_at(self, at_us: int) -> tuple[float, float]:
        """Where the vehicle was at a time on the path; where it ends for later ones."""
        share, (lat0, lon0, lat1, lon1) = self.share_at(at_us), self.path
        return (lat1, lon1) if share == 1.0 or abs(lon1 - lon0) > 180.0 else (lat0 + share * (lat1 - lat0), lon0 + share * (lon1 - lon0))


def moves(state: FleetState, row: int, visit: int, at_us: int) -> bool:
    """Whether a status about a visit says where the vehicle is now: it drives that route, and its last step there is not newer."""
    here = int(state.vehicles.here[row])
    since_us = state.visits.arrived_us[here] if here >= 0 else state.vehicles.left_us[row]
    return state.is_driven(state.routes[state.names[visit].route_id]) and bool(at_us >= since_us - CORRECTION_US)


def arrive(state: FleetState, segment: Segment, visit: int, at_us: int, source: str, trusted: bool, out: Outputs) -> None:
    """The vehicle has reached a visit: open ones before it are skipped; a `trusted` time is the truth of leg and questions."""
    vehicles, visits, row = state.vehicles, state.visits, segment.row
    following, now = int(vehicles.next[row]), source == "position" or moves(state, row, visit, at_us)
    skipped = [earlier for earlier in range(following, visit) if visits.state[earlier] == OPEN] if source == "position" else []
    for earlier in skipped:
        close(state, segment, earlier, SKIPPED, at_us, "passed_by", out)
    if now and trusted and vehicles.left_visit[row] >= 0 and vehicles.left_visit[row] == visit - 1 and at_us > vehicles.left_us[row]:
        took_s, run = (at_us - int(vehicles.left_us[row])) / 1e6, trail_to(vehicles, row, int(visits.number[visit]), at_us)
        state.truths.append(Truth(segment.position, "leg", visit, took_s, at_us, run=run))
        keep_run(state, segment.position, row, visit)
    visits.found[visit] = source == "position"
    visits.state[visit], visits.arrived_us[visit], visits.done_us[visit] = ARRIVED, at_us, MISSING
    let_go(state, segment.position, visit, at_us if trusted else MISSING)
    if now:
        _stand(state, segment, visit, at_us, source)
    set_next(state, row)
    settle(state, row, visit, segment.position, segment.now_us, out)
    if now and not skipped:
        _note_sequence(state, segment, following, visit, at_us)
    more: dict[str, object] = {"source": source, "out_of_sequence": now and visit != following}
    out.emit(segment.position, visit_event(state, "stop_arrived", row, visit, at_us, segment.now_us, more))


def _note_sequence(state: FleetState, segment: Segment, following: int, visit: int, at_us: int) -> None:
    """The driver is at a stop before one that should have come first, and takes time there."""
    earlier = [one for one in range(following, visit) if state.visits.state[one] == OPEN] if following >= 0 else []
    if earlier:
        details: dict[str, object] = {
            "open_before": [state.names[one].visit_id for one in earlier],
            "planned_service_s": max(_service_s(state, one) for one in earlier),
        }
        note_fact(state, segment.position, "out_of_sequence", visit, segment.row, at_us, details)


def _service_s(state: FleetState, visit: int) -> float:
    service_s = float(state.visits.service_s[visit])
    return service_s if service_s > 0 else 0.0


def _stand(state: FleetState, segment: Segment, visit: int, at_us: int, source: str) -> None:
    """The vehicle is at a visit now; a driver may say so outside its radius, where he could park."""
    vehicles, visits, row = state.vehicles, state.visits, segment.row
    vehicles.here[row] = visit
    if visits.planned_us[visit] != MISSING:
        vehicles.deviation_s[row] = (at_us - int(visits.planned_us[visit])) / 1e6
    vehicles.left_lat[row], vehicles.left_lon[row] = visits.lat[visit], visits.lon[visit]
    if source != "position" and MISSING != segment.from_us <= at_us:
        lat, lon = segment.place_at(at_us)
        if passing((lat, lon, lat, lon), float(visits.lat[visit]), float(visits.lon[visit])).end_m > visits.radius_m[visit]:
            vehicles.left_lat[row], vehicles.left_lon[row] = lat, lon


def let_go(state: FleetState, position: int, visit: int, at_us: int) -> None:
    """Hand the kept questions about a visit over to the next tick; without a time there is nothing to learn from them."""
    question = int(state.visits.question[visit])
    if question >= 0:
        kind = "no_arrival" if at_us == MISSING else "arrival"
        state.truths.append(Truth(position, kind, visit, at_us=at_us, question=question))
        state.vehicles.kept[state.routes[state.names[visit].route_id].vehicle] -= state.visits.kept[visit]
        state.visits.question[visit], state.visits.kept[visit] = -1, 0


def depart(state: FleetState, segment: Segment, visit: int, at_us: int, out: Outputs, source: str = "position") -> None:
    """The vehicle has left a visit, and its next leg begins. A stay of which only the end was told teaches nothing."""
    vehicles, visits, row = state.vehicles, state.visits, segment.row
    if visits.state[visit] == ARRIVED:
        visits.state[visit] = DEPARTED
    visits.entered_us[visit], visits.stood[visit] = MISSING, 0  # nobody asks any more, and it would be kept with every visit
    arrived_us = int(visits.arrived_us[visit])
    if at_us > arrived_us != visits.done_us[visit]:
        state.truths.append(Truth(segment.position, "stay", visit, (at_us - arrived_us) / 1e6))
    if vehicles.here[row] == visit:
        vehicles.here[row] = -1
        vehicles.left_visit[row] = visit
        vehicles.left_us[row], vehicles.left_lat[row], vehicles.left_lon[row] = at_us, visits.lat[visit], visits.lon[visit]
    out.emit(segment.position, visit_event(state, "stop_departed", row, visit, at_us, segment.now_us, {"source": source}))


def close(state: FleetState, segment: Segment, visit: int, outcome: int, at_us: int, reason: str | None, out: Outputs) -> None:
    """A visit has its outcome; an open one will have no arrival, so its questions get no truth."""
    visits = state.visits
    if visits.state[visit] == OPEN:
        let_go(state, segment.position, visit, MISSING)
    visits.state[visit] = outcome
    set_next(state, segment.row)
    settle(state, segment.row, visit, segment.position, segment.now_us, out)
    event = visit_event(state, f"stop_{VisitState(outcome).name.lower()}", segment.row, visit, at_us, segment.now_us, {"reason": reason})
    if outcome == SKIPPED and reason == "passed_by":
        note_fact(state, segment.position, "missed_stop", visit, segment.row, at_us, {"planned_service_s": _service_s(state, visit)})
    again = outcome == SKIPPED and visits.arrived_us[visit] != MISSING  # it was passed by once, and then reached
    out.emit(segment.position, event.again("visited") if again else event)


def set_next(state: FleetState, row: int) -> None:
    """Point a vehicle at the first open visit of its started route."""
    route = state.route_of(row)
    states = [] if route is None else state.visits.state[route.first : route.end].tolist()
    state.vehicles.next[row] = route.first + states.index(OPEN) if route is not None and OPEN in states else -1
    state.vehicles.end[row] = -1 if route is None else route.end
