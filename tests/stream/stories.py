"""Drawn words turned into logs: what the tests of cuts play."""

import msgspec
from hypothesis import strategies as st

from stream import messages as m
from stream.exception_messages import ExceptionAcknowledged, ExceptionAssigned, ExceptionNoted, ExceptionSnoozed, PolicyPut
from stream.fence_messages import FencePolicyPut
from stream.model_messages import ChallengerDropped, ChallengerPut, ModelPromoted
from stream.proposal_messages import ProposalAccepted

STEP_S = 10
VEHICLES = ("v1", "v2", "v3")
STATUSES = (m.StopArrived, m.StopDeparted, m.StopCompleted, m.StopFailed, m.StopSkipped, m.StopCancelled)
FENCES = ("fence", "fence", "timed_fence", "scoped_fence", "narrow_fence", "unfence", "tag", "fence_policy")
DEEDS = ((ExceptionAcknowledged, {}), (ExceptionAssigned, {"to": "ben"}), (ExceptionSnoozed, {}), (ExceptionNoted, {"text": "called"}))
RARE = (
    "plan",
    "start",
    "end",
    "replan",
    "reassign",
    "add",
    "window",
    *FENCES,
    "deed",
    "deed",
    "policy",
    "down",
    "down",
    "break",
    "junk",
    "late_plan",
    "hand",
)
KINDS = ("ping",) * 12 + ("teleport", "late", "again", "invalid") + ("status",) * 4 + ("tick",) * 4 + RARE
ODD_STEP_S = 97

seconds = st.sampled_from((0.0, 0.2, 1.0, 4.0, 10.0, 10.0, 25.0, 60.0, 60.0, 700.0, 3900.0))
words = st.tuples(st.sampled_from(KINDS), st.sampled_from((0, 0, 1, 1, 2)), seconds, st.integers(0, 9))
drawn_logs = st.lists(words, min_size=10, max_size=60)


class Story:
    """Turns drawn words into a log: vehicles move on, plans get versions, and everything is said at a moment not before the last."""

    def __init__(self, road):
        self.road, self.now, self.lines = road, 0.0, []
        self.metres = dict.fromkeys(VEHICLES, 0.0)
        self.last = {vehicle: road.ping(0, 0, vehicle) for vehicle in VEHICLES}
        self.version = 1

    def tell(self, kind, number, wait, value):
        step = STEP_S if wait <= 60 else ODD_STEP_S
        for second in range(int(self.now // step + 1) * step, int(self.now + wait) + 1, step):
            self.lines.append(self.road.say(m.Tick, second))
        self.now += wait
        line = getattr(self, kind)(VEHICLES[number], f"r{number}" + "b" * (value == 9), value)
        self.lines.append((self.now, line if isinstance(line, bytes) else line[1]))

    def stops(self, route, numbers):
        window = {"window_end": self.road.at(self.now + 200)} if len(numbers) % 2 else {}
        onward = {"connects_to_visit_id": "r1.3"} if len(numbers) % 3 == 0 else {}
        return [self.road.stop(n, visit_id=f"{route}.{n}", service_s=(None, 30.0)[n % 2], **window, **onward) for n in numbers]

    def say(self, kind, vehicle, route, late=0.0, **fields):
        return self.road.say(kind, self.now - late, vehicle_id=vehicle, route_id=route, **fields)

    def ping(self, vehicle, route, value):
        self.metres[vehicle] += (0, 20, 50, 100, 200, 300, 500, 700, 1000, 1500)[value]
        self.last[vehicle] = self.road.ping(self.now, self.metres[vehicle], vehicle)
        return self.last[vehicle]

    def teleport(self, vehicle, route, value):
        return self.road.ping(self.now, 90_000 + 40 * value, vehicle)

    def late(self, vehicle, route, value):
        return self.road.ping(self.now - 7 * value - 0.5, 100 * value, vehicle)

    def again(self, vehicle, route, value):
        return self.last[vehicle]

    def invalid(self, vehicle, route, value):
        return self.road.ping(self.now, 0, vehicle, lat=(95.0, 0.0, 42.0)[value % 3], lon=0.0, accuracy_m=-1.0)

    def status(self, vehicle, route, value):
        named = {"visit_id": f"{route}.{1 + value % 5}"} if value % 4 else {"stop_id": f"s{1 + value % 5}"}
        return self.say(STATUSES[value % 6], vehicle, route, late=(0.0, 0.0, 45.0, 300.0)[value % 4], **named)

    def tick(self, vehicle, route, value):
        return self.road.say(m.Tick, self.now)

    def plan(self, vehicle, route, value):
        departs = self.road.at(self.now + 60 * value) if value % 2 else None
        return self.say(m.RoutePublished, vehicle, route, stops=self.stops(route, range(1, 3 + value)), planned_departure=departs)

    def start(self, vehicle, route, value):
        return self.say(m.RouteStarted, vehicle, route, late=120.0 * (value % 3 == 2))

    def end(self, vehicle, route, value):
        return self.say(m.RouteEnded, vehicle, route)

    def late_plan(self, vehicle, route, value):
        """A route that nobody knows yet, for a vehicle that may be driving another one; some of its visits have no name."""
        stops = [self.road.stop(n, visit_id=None if n % 2 else f"{route}b.{n}") for n in range(1, 3 + value % 4)]
        return self.say(m.RoutePublished, vehicle, f"{route}b", stops=stops, plan_version=1 + value % 3)

    def hand(self, vehicle, route, value):
        self.version += 1
        other = VEHICLES[(VEHICLES.index(vehicle) + 1) % 3]
        return self.say(m.RoutePublished, other, route, plan_version=self.version, stops=self.stops(route, range(1, 3 + value)))

    def replan(self, vehicle, route, value):
        self.version += 1
        numbers = [n for n in (3, 1, 2, 5, 4, 6) if n != value]
        return self.say(m.RoutePublished, vehicle, route, plan_version=self.version, stops=self.stops(route, numbers))

    def reassign(self, vehicle, route, value):
        other = VEHICLES[(VEHICLES.index(vehicle) + 1 + value % 2) % 3]
        to_route = f"r{VEHICLES.index(other)}" + "x" * (value % 3 == 0)
        return self.say(m.StopReassigned, vehicle, route, visit_id=f"{route}.{1 + value % 5}", to_vehicle_id=other, to_route_id=to_route)

    def add(self, vehicle, route, value):
        stop = self.road.stop(value, visit_id=f"{route}.new{value}")
        return self.say(m.StopAdded, vehicle, route, stop=stop, before_visit_id=f"{route}.{1 + value % 4}")

    def window(self, vehicle, route, value):
        return self.say(
            m.WindowChanged, vehicle, route, visit_id=f"{route}.{1 + value % 5}", window_end=self.road.at(self.now + 60 * value)
        )

    def fence(self, vehicle, route, value):
        return self.road.square(f"f{value % 2}", self.now, 400 * value, 400 * value + 900)

    def unfence(self, vehicle, route, value):
        return self.road.say(m.FenceRemoved, self.now, fence_id=f"f{value % 2}")

    def put(self, fence_id, from_m, to_m, **more):
        line = self.road.square(fence_id, self.now, from_m, to_m)
        return line[0], msgspec.structs.replace(line[1], **more)

    def timed_fence(self, vehicle, route, value):
        opens, closes = self.road.at(self.now + 20 * (value % 3)), self.road.at(self.now + 30 + 40 * value)
        return self.put(f"t{value % 2}", 300 * value, 300 * value + 900, valid_from=opens, valid_until=closes)

    def scoped_fence(self, vehicle, route, value):
        whose = {"vehicle_ids": [vehicle]} if value % 2 else {"vehicle_tags": ["cold"]}
        return self.put(f"s{value % 2}", 300 * value, 300 * value + 900, **whose)

    def narrow_fence(self, vehicle, route, value):
        """One that lies between two fixes."""
        return self.put(f"n{value}", self.metres[vehicle] + 60, self.metres[vehicle] + 90)

    def fence_policy(self, vehicle, route, value):
        fields = ({}, {"enter_fixes": 1, "enter_hold_s": 0.0}, {"passages": False}, {"exit_m": -1.0}, {"dwell_s": 20.0, "exit_hold_s": 0.0})
        return self.now, FencePolicyPut(fleet_id="depot", at=self.road.at(self.now), kind="zone", fields=fields[value % 5])

    def tag(self, vehicle, route, value):
        return self.road.say(m.VehiclePut, self.now, vehicle_id=vehicle, tags=["cold"] * (value % 2))

    def deed(self, vehicle, route, value):
        name = (f"late_risk:{route}.{1 + value % 5}", f"vehicle_down:v{1 + value % 3}", f"signal_lost:{vehicle}")[value % 3]
        kind, more = DEEDS[(value * 7) % 4]
        until = {"until": self.road.at(self.now + 30 * value)} if kind is ExceptionSnoozed else more
        return self.road.say(kind, self.now, exception_id=f"depot:{name}", by="ann", **until)

    def policy(self, vehicle, route, value):
        kind = ("late_risk", "signal_lost", "stalled")[value % 3]
        fields = ({"on": value % 2 == 0}, {"limit_s": 20.0 * value}, {"limit": 1.0})[value % 3]
        return self.now, PolicyPut(fleet_id="depot", at=self.road.at(self.now), kind=kind, fields=fields)

    def down(self, vehicle, route, value):
        return self.say(m.VehicleUp if value % 3 == 0 else m.VehicleDown, vehicle, route)

    def up(self, vehicle, route, value):
        return self.say(m.VehicleUp, vehicle, route)

    def load(self, vehicle, route, value):
        return self.say(m.VehiclePut, vehicle, route, capacity=float(value), loaded_visit_ids=["none"] * (value % 2))

    def accept(self, vehicle, route, value):
        kind = f"late_risk:{route}.{1 + value % 5}" if value % 3 else f"vehicle_down:{vehicle}"
        return self.say(ProposalAccepted, vehicle, route, exception_id=f"depot:{kind}", number=1 + value % 2, by="ann")

    def challenge(self, vehicle, route, value):
        """Another model beside, from a file or a copy."""
        settings = ({}, {"learning_rate": 0.2}, {"ask_every": 2.0, "huber_epsilon": 1.0})[value % 3]
        return self.road.say(ChallengerPut, self.now, model_ref=f"m{value % 2}", settings=settings)

    def promote(self, vehicle, route, value):
        return self.road.say(ModelPromoted, self.now, model_ref=f"m{value % 2}", keep=value < 8)

    def drop(self, vehicle, route, value):
        return self.road.say(ChallengerDropped, self.now, model_ref=f"m{value % 2}")

    def break_(self, vehicle, route, value):
        return self.say(m.DriverBreak, vehicle, route, duration_s=60.0 * value)

    def junk(self, vehicle, route, value):
        return b'{"type":"ping","fleet_id":"depot","vehicle_id":"v1"}'


setattr(Story, "break", Story.break_)


def told(road, drawn):
    """The log of a drawn story, which begins with a plan for each vehicle, and with two of them on their way."""
    story = Story(road)
    opening = [
        ("plan", 0, 0.0, 4),
        ("plan", 1, 0.0, 4),
        ("plan", 2, 0.0, 1),
        ("start", 0, 0.0, 0),
        ("ping", 0, 0.0, 0),
        ("start", 1, 0.0, 0),
    ]
    for word in [*opening, *drawn]:
        story.tell(*word)
    return story.lines
