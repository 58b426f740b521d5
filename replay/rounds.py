"""A recorded day told another time: some whole days later, under other ids, so that log time never goes back and no id comes twice."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zlib import crc32

from msgspec import Struct, structs

from stream.messages import AnyMessage, RoutePublished, StopAdded, StopReassigned
from stream.planned_stop import PlannedStop

DAY_US = 86_400_000_000

TIMES = frozenset({
    "at", "planned_arrival", "window_start", "window_end", "shift_start", "shift_end", "valid_from", "valid_until", "planned_departure",
    "load_by", "wave_cutoff", "until", "actionable_until", "holds_until", "eta_before", "eta_after", "ends_at", "eta",
})  # fmt: skip
PARTS = frozenset({"stops", "stop", "proof", "proposals", "changes", "windows", "visits", "vehicles", "added", "handovers", "legs"})
"""Fields that hold structs with times or ids in them."""
ROUTES_AND_ORDERS = frozenset({"route_id", "to_route_id", "order_ref"})
VISITS = frozenset({
    "visit_id", "before_visit_id", "loaded_visit_ids", "connects_to_visit_id", "visit_ids", "before_visit_ids", "saved_visit_ids",
    "late_visit_ids", "unserved_visit_ids", "goods_visit_ids",
})  # fmt: skip
OF_VEHICLES = frozenset({"stalled", "signal_lost", "off_route", "vehicle_down", "fence_violation"})
OF_ROUTES = frozenset({"departure_late", "plan_infeasible"})
"""Kinds of exceptions that are about vehicles (whose ids stay) and routes; the others are about visits, or the fleet."""
_CHANGED = TIMES | PARTS | ROUTES_AND_ORDERS | VISITS | {"fleet_id", "exception_id"}

_MOST = 60
"""Characters of an id of a later round: an id may have 64, and the engine calls visits without one by their route and a number."""

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Round:
    """How a day is told: all times `shift_us` later, fleets behind a prefix, ids of routes, visits and orders before a suffix.

    Vehicles, drivers, stops, customers and fences keep their ids: they are there on every day.
    """

    shift_us: int = 0
    prefix: str = ""
    suffix: str = ""

    def fleet_id(self, fleet_id: str) -> str:
        """What a fleet is called in this round."""
        return self.prefix + fleet_id

    def message(self, message: AnyMessage) -> AnyMessage:
        """The message as this round tells it."""
        return self._part(message) if self != AS_RECORDED else message

    def name(self, text: str) -> str:
        """What a route or an order is called in this round."""
        room = _MOST - len(self.suffix)
        if not self.suffix:
            return text
        return (text if len(text) <= room else f"{text[: room - 9]}-{crc32(text.encode()):08x}") + self.suffix

    def visit(self, visit_id: str) -> str:
        """What a visit is called: the engine calls those without an id `ROUTE.NUMBER`, and does so with this round's route too."""
        route_id, _, number = visit_id.rpartition(".")
        return f"{self.name(route_id)}.{number}" if route_id and number.isdigit() and self.suffix else self.name(visit_id)

    def _part(self, part: S) -> S:
        there = [(name, getattr(part, name)) for name in part.__struct_fields__ if name in _CHANGED]
        return structs.replace(part, **{name: self._value(name, value) for name, value in there if value is not None})

    def _value(self, field: str, value: object) -> object:
        match value:
            case Struct():
                return self._part(value)
            case list():
                return [self._value(field, each) for each in value]
            case datetime():
                return value + timedelta(microseconds=self.shift_us)
            case int():
                return value + self.shift_us // 1000
        return self._id(field, str(value))

    def _id(self, field: str, text: str) -> str:
        if field == "fleet_id":
            return self.fleet_id(text)
        if field == "exception_id":
            return self._exception(text)
        return self.visit(text) if field in VISITS else self.name(text)

    def _exception(self, text: str) -> str:
        """Fleet, kind and subject."""
        fleet_id, *kind, subject = text.split(":", 2)
        if not kind:
            return text
        if subject == fleet_id:
            subject = self.fleet_id(subject)
        elif kind[0] in OF_ROUTES:
            subject = self.name(subject)
        elif kind[0] not in OF_VEHICLES:
            subject = self.visit(subject)
        return ":".join((self.fleet_id(fleet_id), *kind, subject))


AS_RECORDED = Round()


NAMING = ("route_published", "stop_added", "stop_reassigned")
"""Types of messages that bring new ids."""


def mark_of(messages: Iterable[AnyMessage]) -> str:
    """What stands before the number in the suffixes of a day with these messages (`NAMING`), so that no two rounds share an id.

    Nothing, if no id ends in a dot and a number, and no visit is called like a route (the engine would call its second visit `ROUTE.2`).
    """
    routes, others, visits = set[str](), set[str](), set[str]()
    for message in messages:
        stops: list[PlannedStop] = []
        match message:
            case RoutePublished(route_id=route_id, stops=stops):
                routes.add(route_id)
            case StopAdded(route_id=route_id, stop=stop):
                routes.add(route_id)
                stops = [stop]
            case StopReassigned(to_route_id=route_id):
                routes.add(route_id)
        others.update(stop.order_ref for stop in stops if stop.order_ref is not None)
        visits.update(stop.visit_id for stop in stops if stop.visit_id is not None)
    names, mark = routes | others | visits, "" if routes.isdisjoint(visits) else "r"
    while any(re.search(rf"\.{mark}\d+(\.|$)", name) for name in names):
        mark += "r"
    return mark


def round_of(number: int, span_us: tuple[int, int], prefix: str = "", mark: str = "") -> Round:
    """Round 0 is the day as it was; round 1 follows on it as many whole days later as it is long, with ids that end in `.2`, and so on."""
    return Round(number * _length_us(span_us), prefix, f".{mark}{number + 1}" if number else "")


def first_free(span_us: tuple[int, int], now_us: int | None) -> int:
    """The first round that begins behind a log time; None where there is no log yet."""
    if now_us is None or now_us < span_us[0]:
        return 0
    return (now_us - span_us[0]) // _length_us(span_us) + 1


def _length_us(span_us: tuple[int, int]) -> int:
    """Whole days, so that times of day stay what they are (UTC: where summer time begins in between, they move with it)."""
    return ((span_us[1] - span_us[0]) // DAY_US + 1) * DAY_US
