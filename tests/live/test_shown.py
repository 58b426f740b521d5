"""What stands in Redis after many small changes is what would be written anew from the state."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import messages as m
from stream.apply import apply
from stream.batches import FleetBatch, no_pings
from stream.intake import read_entries
from stream.live.changes import Changes
from stream.live.shown import Shown
from stream.planned_stop import PlannedStop

KINDS = ("fixes", "vehicles", "routes", "etas", "visits", "fences", "fence_policies", "models")
MORE = ("facts", "down", "up", "dock", "load", "lost_status", "lost_window", "lost_reassign", "lost_add", "orders", "unseat")
WAITS = (0.0, 0.2, 1.0, 4.0, 10.0, 10.0, 25.0, 60.0, 60.0, 700.0, 3900.0)


class Model:
    """What Redis would hold after the changes, in dicts."""

    def __init__(self):
        self.hashes = {kind: {} for kind in KINDS}
        self.orders, self.totals = set(), b""

    def take(self, changes: Changes) -> None:
        if changes.replace:
            self.__init__()
        for kind, flat in changes.puts.items():
            self.hashes[kind].update(zip(flat[::2], flat[1::2], strict=True))
        for kind, names in changes.removals.items():
            for name in names:
                self.hashes[kind].pop(name, None)
        self.orders -= set(changes.old_orders)
        self.orders |= set(changes.orders)
        self.totals = changes.totals

    def told(self) -> dict[str, object]:
        return {**self.hashes, "orders": self.orders, "totals": self.totals}


def anew(state) -> dict[str, object]:
    """What would be written of a state of which nothing stands in Redis."""
    model = Model()
    model.take(Shown().changes(state, FleetBatch(state.fleet_id, no_pings(), [])))
    return model.told()


class Followed:
    """A fleet whose every stretch is shown."""

    def __init__(self, played):
        self.played, self.model, self.shown, self.entries = played, Model(), Shown(), []

    def play(self, entries):
        for batch in read_entries(self.played.settings.judge, entries):
            if batch.fleet_id:
                apply(self.played.settings, self.played.state, batch)
                self.model.take(self.shown.changes(self.played.state, batch))
        return self

    def same(self):
        """Whether nothing is stale; what is, is told by the comparison."""
        told, fresh = self.model.told(), anew(self.played.state)
        assert told == fresh
        return bool(fresh["fixes"])


class More:
    """What dispatch and drivers may say besides the words of a drawn story, right or wrong."""

    VEHICLES = ("v1", "v2", "v3")
    STATUSES = (m.StopArrived, m.StopDeparted, m.StopCompleted, m.StopFailed, m.StopSkipped, m.StopCancelled)

    def other(self, vehicle, of=3):
        return self.VEHICLES[(self.VEHICLES.index(vehicle) + 1) % of]

    def stops(self, route, numbers):
        known = super().stops(route, numbers)
        return [PlannedStop(**{**_fields(stop), "order_ref": f"o{stop.seq % 3}"}) for stop in known if stop.seq % 4]

    def facts(self, vehicle, route, value):
        return self.road.say(m.VehiclePut, self.now, vehicle_id=vehicle, driver_id=f"d{value}", skills=["cold"] * (value % 3))

    def down(self, vehicle, route, value):
        return self.say(m.VehicleDown, vehicle, route)

    def up(self, vehicle, route, value):
        return self.say(m.VehicleUp, vehicle, route)

    def dock(self, vehicle, route, value):
        return self.say(m.DockAssigned, vehicle, route, dock_id=f"dock{value}")

    def load(self, vehicle, route, value):
        return self.say(m.LoadReady, vehicle, route)

    def lost_status(self, vehicle, route, value):
        """Of a visit that is not on the route which the driver's app still shows."""
        return self.say(self.STATUSES[value % 6], vehicle, "r7", visit_id=f"{route}.{1 + value % 5}")

    def lost_window(self, vehicle, route, value):
        return self.say(m.WindowChanged, vehicle, "r7", visit_id=f"{route}.{1 + value % 5}", window_end=self.road.at(self.now + 60))

    def lost_reassign(self, vehicle, route, value):
        other = self.other(vehicle)
        named = {"to_vehicle_id": other, "to_route_id": f"r{self.VEHICLES.index(other)}"}
        return self.say(m.StopReassigned, vehicle, "r7", visit_id=f"{route}.{1 + value % 5}", **named)

    def lost_add(self, vehicle, route, value):
        """To a route that another vehicle drives."""
        stop = self.road.stop(value, visit_id=f"{route}.lost{value}", order_ref="o9")
        return self.say(m.StopAdded, self.other(vehicle), route, stop=stop)

    def orders(self, vehicle, route, value):
        """The same visits for other orders."""
        self.version += 1
        stops = [self.road.stop(n, visit_id=f"{route}.{n}", order_ref=f"p{n}" if n % 2 else None) for n in range(1, 3 + value % 4)]
        return self.say(m.RoutePublished, vehicle, route, plan_version=self.version, stops=stops)

    def unseat(self, vehicle, route, value):
        """A route goes to a vehicle that drives another one."""
        self.version += 1
        other = self.other(vehicle, of=2)
        return self.say(m.RoutePublished, other, route, plan_version=self.version, stops=self.stops(route, range(1, 6)))


def tell_more(stories, road, drawn):
    """The log of a drawn story."""
    story = type("Story", (More, stories.Story), {})(road)
    for word in (("plan", 0, 0.0, 4), ("plan", 1, 0.0, 4), ("start", 0, 0.0, 0), ("ping", 0, 0.0, 0), ("start", 1, 0.0, 0), *drawn):
        story.tell(*word)
    return story.lines


def _fields(stop):
    return {name: getattr(stop, name) for name in stop.__struct_fields__}


def drawn_words(stories):
    kinds = st.sampled_from((*stories.KINDS, *MORE))
    return st.lists(st.tuples(kinds, st.sampled_from((0, 0, 1, 1, 2)), st.sampled_from(WAITS), st.integers(0, 9)), min_size=5, max_size=40)


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_small_changes_of_any_log_add_up_to_what_would_be_written_anew(road, fleet, stories, entries_of, data):
    lines = tell_more(stories, road, data.draw(drawn_words(stories), label="words"))
    cuts = data.draw(st.lists(st.integers(1, len(lines) - 1), min_size=1, max_size=12), label="cuts")
    entries, followed = entries_of(lines), Followed(fleet())
    for start, end in pairwise([0, *sorted(set(cuts)), len(lines)]):
        assert followed.play(entries[start:end]).same()


def test_a_visit_moved_to_a_route_that_waits_is_not_explained_by_the_clock_of_its_vehicle(road, fleet, stories, entries_of):
    lines = tell_more(stories, road, [*[("ping", 0, 0.0, 0)] * 12, ("reassign", 0, 0.0, 0), ("ping", 1, 0.0, 0)])
    entries, followed = entries_of(lines), Followed(fleet())
    for part in (entries[:-1], entries[-1:]):
        assert followed.play(part).same()
