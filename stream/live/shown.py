"""What a stretch changed of the present, as it will stand in Redis: only the vehicles and routes that it was about."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from eta_models.columns import MISSING, Ints
from stream.batches import FleetBatch
from stream.fence_messages import FencePolicyPut
from stream.fleet import FleetState, Route
from stream.live.apiece import apiece
from stream.live.changes import Changes
from stream.live.describe import (
    WORDS,
    cells_view,
    fence_view,
    fixes,
    models_view,
    proposals_view,
    route_view,
    standing,
    totals,
    vehicle_view,
    visit_rows,
)
from stream.live.views import FIX, VISIT, FencePolicyView
from stream.messages import (
    AnyMessage,
    DockAssigned,
    FencePut,
    FenceRemoved,
    LoadReady,
    RouteEnded,
    RoutePublished,
    RouteStarted,
    StopAdded,
    StopReassigned,
    Tick,
    VehiclePut,
)

_encode = msgspec.json.Encoder().encode

PLANS = (RoutePublished, StopAdded, StopReassigned, RouteStarted, RouteEnded, LoadReady, DockAssigned)
"""Messages after which a route has to be shown anew as a whole."""


@dataclass(slots=True)
class Shown:
    """What is known of what stands in Redis of one fleet; begins with nothing, so the first `changes` are everything."""

    whole: bool = True
    vehicles: Ints = field(default_factory=lambda: np.empty((0, WORDS), np.int64))
    """A row a vehicle: what its `VehicleView` was made from."""
    routes: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    """Route -> its visits and its entries among the orders."""
    route_of: dict[str, str] = field(default_factory=dict)
    """Visit -> the route under which it was shown."""
    fences: set[str] = field(default_factory=set)
    proposals: dict[str, int] = field(default_factory=dict)
    """Exception -> when its proposals were made."""
    risks: dict[str, int] = field(default_factory=dict)
    """Visits at risk and their stages, as of the last tick: a window closes without a word of its vehicle."""
    now_us: int = MISSING
    """The fleet's now at the last changes: vehicles estimated since have new ETAs."""
    ticked_us: int = MISSING
    """The last working tick at which learned speeds were shown."""

    def know(self, state: FleetState) -> None:
        """Take it that what this state shows stands in Redis already: whoever wrote it died when it had come to the same place."""
        self.vehicles = standing(state, np.arange(state.vehicles.count))
        for route in state.routes.values():
            visits, _ = self.routes[route.route_id] = _visits_and_orders(state, route)
            self.route_of.update(dict.fromkeys(visits, route.route_id))
        self.fences, self.whole = set(state.fences), False
        self.proposals = {name: known.made_us for name, known in state.proposals.items()}
        self.risks = _risks(state)
        self.now_us, self.ticked_us = state.now_us, state.ticked_us

    def changes(self, state: FleetState, batch: FleetBatch) -> Changes:
        """What to write after a stretch, which must have been the last one that was applied."""
        messages = [notice.message for notice in batch.notices]
        plans = [message for message in messages if isinstance(message, PLANS)]
        put = set(state.fences) if self.whole else {message.fence_id for message in messages if isinstance(message, FencePut)}
        fenced = bool(put) or len(self.fences) != len(state.fences) or any(isinstance(message, FenceRemoved) for message in messages)
        everybody = np.arange(state.vehicles.count)
        estimated = np.flatnonzero(state.vehicles.estimated_us[: state.vehicles.count] >= self.now_us)
        planned = list(state.routes.values()) if self.whole else self._planned(state, plans)
        state.replanned = []
        touched = np.union1d(_touched_vehicles(state, batch), np.array([route.vehicle for route in planned], dtype=np.int64))
        rows = np.union1d(touched, estimated)
        change = Changes(self.whole, totals=_encode(totals(state)))
        facts = {state.vehicle_rows[m.vehicle_id] for m in messages if isinstance(m, VehiclePut) and m.vehicle_id in state.vehicle_rows}
        ticked = any(isinstance(message, Tick) for message in messages)
        moved_on = self._show_vehicles(state, everybody if self.whole or plans or ticked or fenced else rows, facts, change)
        rows = np.union1d(rows, moved_on)
        apiece("fixes", rows.tolist(), lambda some: _put_fixes(state, some, change))
        for route in planned:
            self._show_route(state, route, change)
        if ticked:
            self._forget_routes(state, change)
        said = {route_id for message in messages for route_id in _named(state, message)} | {route.route_id for route in planned}
        numbers = np.unique(state.vehicles.route[np.union1d(estimated, moved_on)]).tolist()
        driven = {state.route_ids[number] for number in numbers if number in state.route_ids}
        late = self._changed_risks(state) if ticked or self.whole else set()
        shown = sorted(state.routes if self.whole else (said | driven | late) & state.routes.keys())
        apiece("etas", shown, lambda some: _put_visits(state, some, change))
        if state.ticked_us != self.ticked_us:
            self.ticked_us = state.ticked_us
            apiece("cells", [state.fleet_id], lambda _: _put_cells(state, change))
            change.put("models", "models", _encode(models_view(state)))
        if fenced:
            self._show_fences(state, put & state.fences.keys(), change)
        kinds = set(state.fence_told) if self.whole else {message.kind for message in messages if isinstance(message, FencePolicyPut)}
        _show_fence_policies(state, kinds, change)
        self._show_proposals(state, change)
        self.whole, self.now_us = False, state.now_us
        return change

    def _changed_risks(self, state: FleetState) -> set[str]:
        """Routes with a visit whose stage of risk is another one than at the tick before."""
        before, self.risks = self.risks, _risks(state)
        changed = dict(before.items() ^ self.risks.items())
        return {state.names[state.visit_rows[visit_id]].route_id for visit_id in changed if visit_id in state.visit_rows}

    def _show_proposals(self, state: FleetState, change: Changes) -> None:
        """Proposals that are new, and those that are there no more."""
        made = {name: known.made_us for name, known in state.proposals.items()}
        new = [name for name, made_us in made.items() if self.whole or self.proposals.get(name) != made_us]
        change.show("proposals", new, lambda name: (name, proposals_view(state.proposals[name])))
        change.remove("proposals", sorted(self.proposals.keys() - made.keys()))
        self.proposals = made

    def _show_vehicles(self, state: FleetState, rows: Ints, facts: set[int], change: Changes) -> Ints:
        """Vehicles of which more has changed than the fix; returns their rows."""
        if len(self.vehicles) < state.vehicles.count:
            more = np.full((state.vehicles.count + 64 - len(self.vehicles), WORDS), MISSING)
            self.vehicles = np.concatenate([self.vehicles, more])
        new = standing(state, rows)
        changed = rows[(new != self.vehicles[rows]).any(axis=1)]
        self.vehicles[rows] = new
        change.show("vehicles", sorted({*changed.tolist(), *facts}), lambda row: (state.vehicle_ids[row], vehicle_view(state, row)))
        return np.asarray(changed, dtype=np.int64)

    def _planned(self, state: FleetState, plans: Sequence[AnyMessage]) -> list[Route]:
        """Routes that have to be shown as a whole: those named, those that lost a visit, and all of a vehicle that took another route."""
        if not plans and not state.replanned:
            return []
        ids = set(state.replanned) | {getattr(message, name, "") for message in plans for name in ("route_id", "to_route_id")}
        ids |= {self.route_of.get(message.visit_id or "", "") for message in plans if isinstance(message, StopReassigned)}
        vehicles = {state.vehicle_rows.get(m.vehicle_id, -1) for m in plans if isinstance(m, RoutePublished | RouteStarted | RouteEnded)}
        return [route for route in state.routes.values() if route.route_id in ids or route.vehicle in vehicles]

    def _show_route(self, state: FleetState, route: Route, change: Changes) -> None:
        visits, orders = _visits_and_orders(state, route)
        old_visits, old_orders = self.routes.get(route.route_id, ([], []))
        self._forget(state, set(old_visits) - set(visits), set(old_orders) - set(orders), change)
        self.routes[route.route_id] = visits, orders
        change.show("routes", [route.route_id], lambda route_id: (route_id, route_view(state, route)))
        change.orders += orders
        for visit_id in visits:
            change.put("visits", visit_id, route.route_id)
            self.route_of[visit_id] = route.route_id

    def _forget(self, state: FleetState, visits: set[str], orders: set[str], change: Changes) -> None:
        """Visits and orders that a route no longer has; those that went to another route are shown there."""
        gone = sorted(visit_id for visit_id in visits if visit_id not in state.visit_rows)
        change.remove("visits", gone)
        for visit_id in gone:
            self.route_of.pop(visit_id, None)
        for order in sorted(orders):
            order_ref, _, visit_id = order.partition("\0")
            row = state.visit_rows.get(visit_id, -1)
            if row < 0 or state.names[row].order_ref != order_ref:
                change.old_orders.append(order)

    def _forget_routes(self, state: FleetState, change: Changes) -> None:
        """Routes that were tidied away."""
        for route_id in sorted(self.routes.keys() - state.routes.keys()):
            visits, orders = self.routes.pop(route_id)
            self._forget(state, set(visits), set(orders), change)
            change.remove("routes", [route_id])
            change.remove("etas", [route_id])

    def _show_fences(self, state: FleetState, put: set[str], change: Changes) -> None:
        change.show("fences", sorted(put), lambda fence_id: (fence_id, fence_view(state.fences[fence_id])))
        change.remove("fences", sorted(self.fences - state.fences.keys()))
        self.fences = set(state.fences)


def _risks(state: FleetState) -> dict[str, int]:
    stages = state.visits.at_risk[: state.visits.count]
    return {state.names[row].visit_id: int(stages[row]) for row in np.flatnonzero(stages).tolist()}


def _visits_and_orders(state: FleetState, route: Route) -> tuple[list[str], list[str]]:
    names = state.names[route.first : route.end]
    return [name.visit_id for name in names], [f"{name.order_ref}\0{name.visit_id}" for name in names if name.order_ref is not None]


def _touched_vehicles(state: FleetState, batch: FleetBatch) -> Ints:
    """Rows of the vehicles that a stretch named."""
    names = {*batch.pings.names}
    for notice in batch.notices:
        names |= {getattr(notice.message, "vehicle_id", ""), getattr(notice.message, "to_vehicle_id", "")}
    return np.array(sorted({state.vehicle_rows.get(name, -1) for name in names} - {-1}), dtype=np.int64)


def _named(state: FleetState, message: AnyMessage) -> tuple[str, str]:
    """The route that a message names, and the one that has the visit it names: drivers' apps may still know an older one."""
    row = state.visit_rows.get(getattr(message, "visit_id", None) or "", -1)
    return getattr(message, "route_id", ""), state.names[row].route_id if row >= 0 else ""


def _put_cells(state: FleetState, change: Changes) -> None:
    change.cells = _encode(cells_view(state))


def _put_fixes(state: FleetState, rows: list[int], change: Changes) -> None:
    raw, size = fixes(state, np.array(rows)).tobytes(), FIX.itemsize
    flat: list[str | bytes] = [b""] * (2 * len(rows))
    flat[::2] = [state.vehicle_ids[row] for row in rows]
    flat[1::2] = [raw[first : first + size] for first in range(0, len(raw), size)]
    change.puts.setdefault("fixes", []).extend(flat)


def _put_visits(state: FleetState, route_ids: list[str], change: Changes) -> None:
    """The packed rows of whole routes, gathered in one sweep."""
    routes = [state.routes[route_id] for route_id in route_ids]
    packed = visit_rows(state, routes)
    raw, size, first = packed.tobytes(), VISIT.itemsize, 0
    for route in routes:
        end = first + route.end - route.first
        change.put("etas", route.route_id, raw[first * size : end * size])
        first = end


def _show_fence_policies(state: FleetState, kinds: set[str], change: Changes) -> None:
    """Policies of kinds of fences of which something was said."""
    told = state.fence_told
    change.show("fence_policies", sorted(kinds & told.keys()), lambda kind: (kind, FencePolicyView(told[kind], state.fence_told_us[kind])))
    change.remove("fence_policies", sorted(kinds - told.keys()))
