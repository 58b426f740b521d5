"""A later round of a day: all of it whole days later, and no id that was there before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.rounds import AS_RECORDED, DAY_US, PARTS, ROUTES_AND_ORDERS, TIMES, VISITS, Round, first_free, mark_of, round_of
from stream import messages as m
from stream.codec import TYPES, decode, encode
from stream.exception_messages import ExceptionAcknowledged
from stream.moments import micros
from stream.planned_stop import PlannedStop
from stream.proposals import Handing, Proposal, RouteChange, VehicleOutlook, VisitOutlook, WindowOffer
from stream.question_messages import Supposition
from stream.texts import is_id

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = Round(2 * DAY_US, "x-", ".2")
STAY = {
    "vehicle_id",
    "vehicle_ids",
    "from_vehicle_id",
    "to_vehicle_id",
    "driver_id",
    "stop_id",
    "customer_ref",
    "dock_id",
    "model_ref",
    "fence_id",
    "question_id",
}


def plan(*stops: tuple[str | None, str | None], route_id: str = "r", **more: object) -> m.RoutePublished:
    """A route with stops of these visits and orders."""
    planned = [
        PlannedStop(stop_id=f"s{i}", lat=1.0, lon=1.0, seq=i, visit_id=visit_id, order_ref=order_ref, **more)
        for i, (visit_id, order_ref) in enumerate(stops)
    ]
    return m.RoutePublished(fleet_id="f", at=AT, route_id=route_id, vehicle_id="v", stops=planned)


def parts(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and hint is not NoneType:
        yield hint
    for part in get_args(hint):
        yield from parts(part)


def fields() -> Iterator[tuple[str, set[type]]]:
    """Every field of every message and of what stands in it."""
    parts_of_proposals = (Proposal, RouteChange, WindowOffer, VisitOutlook, VehicleOutlook, Supposition, Handing)
    kinds = [*TYPES.values(), PlannedStop, m.ProofOfDelivery, *parts_of_proposals]
    for kind in kinds:
        for name, hint in get_type_hints(kind).items():
            if name != "__struct_config__":
                yield name, set(parts(hint))


def test_every_time_and_every_id_of_every_message_is_thought_of():
    known = dict(fields())
    assert {name for name, kinds in fields() if datetime in kinds} == TIMES
    assert {name for name, kinds in fields() if any(issubclass(kind, msgspec.Struct) for kind in kinds)} == PARTS
    ids = {name for name in known if name.endswith(("_id", "_ids", "_ref"))}
    assert ids == ROUTES_AND_ORDERS | VISITS | STAY | {"fleet_id", "exception_id"}


def test_a_plan_is_told_later_and_under_other_ids():
    told = LATER.message(plan(("a", "o1"), (None, None), priority=3, window_end=AT))
    assert (told.fleet_id, told.at, told.route_id, told.vehicle_id, told.plan_version) == ("x-f", AT + timedelta(days=2), "r.2", "v", 1)
    assert [(s.visit_id, s.order_ref, s.stop_id, s.seq, s.priority) for s in told.stops] == [
        ("a.2", "o1.2", "s0", 0, 3),
        (None, None, "s1", 1, 3),
    ]
    assert {s.window_end for s in told.stops} == {AT + timedelta(days=2)}
    assert {s.window_start for s in told.stops} == {None}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (m.StopFailed(fleet_id="f", at=AT, route_id="r", vehicle_id="v", visit_id="r.11"), {"visit_id": "r.2.11", "route_id": "r.2"}),
        (m.StopFailed(fleet_id="f", at=AT, route_id="r.7", vehicle_id="v", visit_id="r.7.1"), {"visit_id": "r.7.2.1", "route_id": "r.7.2"}),
        (m.VehiclePut(fleet_id="f", at=AT, vehicle_id="v", loaded_visit_ids=["a", "r.0"]), {"loaded_visit_ids": ["a.2", "r.2.0"]}),
        (ExceptionAcknowledged(fleet_id="f", at=AT, exception_id="f:late_risk:r.3", by="me"), {"exception_id": "x-f:late_risk:r.2.3"}),
        (ExceptionAcknowledged(fleet_id="f", at=AT, exception_id="f:stalled:v:1", by="me"), {"exception_id": "x-f:stalled:v:1"}),
        (
            ExceptionAcknowledged(fleet_id="f", at=AT, exception_id="f:departure_late:r", by="me"),
            {"exception_id": "x-f:departure_late:r.2"},
        ),
        (ExceptionAcknowledged(fleet_id="f", at=AT, exception_id="f:signal_lost:f", by="me"), {"exception_id": "x-f:signal_lost:x-f"}),
        (m.StopCompleted(fleet_id="f", at=AT, route_id="r", vehicle_id="v", proof=m.ProofOfDelivery(at=AT)), {"visit_id": None}),
        (m.Tick(fleet_id="f", at=1000), {"at": 1000 + 2 * DAY_US // 1000}),
    ],
)
def test_what_is_said_of_a_visit_is_said_of_the_one_of_that_round(said, told):
    changed = LATER.message(said)
    assert {name: getattr(changed, name) for name in told} == told
    assert type(changed) is type(said)
    assert getattr(getattr(changed, "proof", None), "at", AT + timedelta(days=2)) == AT + timedelta(days=2)
    assert micros(changed.at) == micros(said.at) + 2 * DAY_US


def test_a_day_as_it_was_is_left_alone():
    said = plan(("a", "o1"))
    assert AS_RECORDED.message(said) is said
    assert Round(0, "x-").message(said) == msgspec.structs.replace(said, fleet_id="x-f")


ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", fullmatch=True) | st.sampled_from(
    ["r", "r.2", "r.r2", "r.2.2", "o" * 64, "o" * 63]
)


@given(st.lists(st.tuples(st.none() | ids, st.none() | ids), min_size=1, max_size=6), st.lists(ids, min_size=1, max_size=3, unique=True))
def test_rounds_share_no_id_of_a_route_a_visit_or_an_order_and_all_can_be_read(stops, routes):
    said = [plan(*stops, route_id=route_id) for route_id in routes]
    mark, span_us = mark_of(said), (0, DAY_US // 2)
    seen: list[tuple[set[str], set[str], set[str]]] = []
    for number in range(3):
        told = [round_of(number, span_us, "", mark).message(message) for message in said]
        assert all(decode(encode(message)) == message for message in told)
        visits = {s.visit_id for message in told for s in message.stops if s.visit_id}
        own = {f"{message.route_id}.{i}" for message in told for i, s in enumerate(message.stops) if not s.visit_id}
        orders = {s.order_ref for message in told for s in message.stops if s.order_ref}
        assert all(map(is_id, visits | orders | {message.route_id for message in told}))
        seen.append(({message.route_id for message in told}, visits | own, orders))
    for kind in range(3):
        first, second, third = (ids_of[kind] for ids_of in seen)
        assert not first & second
        assert not first & third
        assert not second & third
        assert kind == 1 or len(first) == len(second) == len(third)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ([plan(("a", "o"), (None, None))], ""),
        ([plan(("a", "o.1"))], "r"),
        ([plan(("r", None))], "r"),
        ([plan(("a", "o.1"), ("b.r7", None), ("r3", None))], "rr"),
        ([m.StopReassigned(fleet_id="f", at=AT, route_id="r", vehicle_id="v", to_route_id="t.4", to_vehicle_id="w")], "r"),
        ([m.StopAdded(fleet_id="f", at=AT, route_id="r", vehicle_id="v", stop=plan(("a.1", None)).stops[0])], "r"),
    ],
)
def test_a_number_stands_alone_only_where_no_id_has_one_already(said, mark):
    assert mark_of(said) == mark


@pytest.mark.parametrize(("hours", "days"), [(0, 1), (12, 1), (24, 2), (72, 4)])
def test_a_round_begins_whole_days_later_behind_the_end_of_the_last(hours, days):
    start_us = 1_000_000_000_000
    span_us = (start_us, start_us + hours * 3_600_000_000)
    assert [round_of(number, span_us).shift_us for number in range(3)] == [0, days * DAY_US, 2 * days * DAY_US]
    assert span_us[0] + days * DAY_US > span_us[1]
    assert [first_free(span_us, now) for now in (None, start_us - 1, start_us, span_us[1], start_us + days * DAY_US)] == [0, 0, 1, 1, 2]


def test_a_fence_that_holds_for_a_time_is_told_later_with_it():
    put = m.FencePut(
        fleet_id="f", at=AT, fence_id="yard", geometry={"type": "Point", "coordinates": [1.0, 1.0]}, radius_m=50.0, valid_until=AT
    )
    told = LATER.message(put)
    assert (told.fence_id, told.valid_from, told.valid_until) == ("yard", None, AT + timedelta(days=2))
