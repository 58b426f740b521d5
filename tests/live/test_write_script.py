"""What the one Lua call puts where: hashes, orders, cells, dead letters, events, and what becomes of an exception."""

import msgspec
import pytest

from stream.live import orders
from stream.live.changes import Changes
from stream.live.keys import DEAD, EVENTS, fleet_key
from stream.outputs import Numbered


def about(number, phase, exception_id="x1", now_us=1_000):
    payload = msgspec.json.encode({"n": number, "data": {"exception_id": exception_id}})
    return Numbered(now_us, number, f"exception_{phase}", payload)


def numbers(redis):
    return [int(fields[b"s"]) for _, fields in redis.xrange(EVENTS)]


def test_what_is_written_stands_in_its_keys(client, writer, order):
    changes = Changes()
    changes.put("fixes", "v1", b"\0fix\xff")
    changes.put("etas", "r1", b"rows")
    changes.orders, changes.cells = ["o1\0a1", "o2\0a2"], b"cells"
    slots = {"puts": changes.puts, "orders": changes.orders, "cells": changes.cells}
    writer().write([order(10, [0, 1], [9], **slots)])
    assert client.hgetall(fleet_key("fixes", "f1")) == {b"v1": b"\0fix\xff"}
    assert client.hgetall(fleet_key("etas", "f1")) == {b"r1": b"rows"}
    assert client.zrange(fleet_key("orders", "f1"), 0, -1) == [b"o1\0a1", b"o2\0a2"]
    assert client.get(fleet_key("cells", "f1")) == b"cells"
    fleet = client.hgetall(fleet_key("fleet", "f1"))
    assert fleet == {
        b"position": b"0000000000000000011", b"now_us": b"1000", b"totals": b"t10", b"sequence": b"2", b"writes": b"1", b"by": b"us",
        b"stays_from": b"0",
    }  # fmt: skip
    (_, letter), *none = client.xrange(DEAD)
    assert letter == {
        b"f": b"f1",
        b"r": b"stale",
        b"k": b"ping",
        b"v": b"v1",
        b"t": b"5",
        b"h": b"{",
        b"b": b"engine",
        b"p": b"0000000000000000010",
    }
    assert not none
    assert [fields for _, fields in client.xrange(EVENTS)] == [
        {b"f": b"f1", b"k": b"eta_updated", b"s": b"%d" % n, b"d": b"event %d" % n} for n in (0, 1)
    ]


def test_fields_go_as_they_came(client, writer, order):
    one = writer()
    one.write([order(1, puts={"visits": ["a1", "r1", "a2", "r1"], "routes": ["r1", b"x"]}, orders=["o\0a1", "o\0a2"])])
    one.write([order(2, removals={"visits": ["a1"], "routes": ["r1"]}, old_orders=["o\0a1"])])
    assert client.hgetall(fleet_key("visits", "f1")) == {b"a2": b"r1"}
    assert client.zrange(fleet_key("orders", "f1"), 0, -1) == [b"o\0a2"]
    assert not client.exists(fleet_key("routes", "f1"))


def test_a_stretch_of_thousands_is_several_calls_and_the_place_moves_with_the_last_of_the_present(client, writer, order, monkeypatch):
    monkeypatch.setattr(orders, "AT_ONCE", 20_000)
    flat = [part for i in range(2_501) for part in (f"v{i}", b"fix")]
    refs = [f"o\0a{i}" for i in range(1_001)]
    calls = order(9, range(2_100), [8, 9], many=True, puts={"fixes": flat, "etas": ["r1", b""]}, orders=refs)
    assert max(call.size for call in calls) <= 20_000 + 1_000
    one, seen = writer(), []
    for call in calls:
        one.write([call])
        placed = client.hexists(fleet_key("fleet", "f1"), "position")
        seen.append((placed, client.hlen(fleet_key("fixes", "f1")), client.zcard(fleet_key("orders", "f1")), len(numbers(client))))
    assert next((fixes, refs, events) for placed, fixes, refs, events in seen if placed) == (2_501, 1_001, 0)
    assert len({fixes for _, fixes, _, _ in seen}) > 2
    assert len({events for _, _, _, events in seen}) > 2
    assert seen[-1] == (True, 2_501, 1_001, 2_100)
    assert client.hmget(fleet_key("fleet", "f1"), "totals", "position") == [b"t9", b"%019d" % 10]
    assert client.xlen(DEAD) == 2
    writer("again").write(order(9, range(2_100), [8, 9], by="again", many=True, puts={"fixes": flat}))
    assert [numbers(client), client.xlen(DEAD)] == [list(range(2_100)), 2]
    writer().write(order(10, many=True, removals={"fixes": [f"v{i}" for i in range(1_500)]}, old_orders=refs))
    assert [client.hlen(fleet_key("fixes", "f1")), client.zcard(fleet_key("orders", "f1"))] == [1_001, 0]


@pytest.fixture
def exceptions(client):
    """Where an exception stands: open and closed since when, its newest event, its acknowledgement."""

    def found():
        read = {kind: client.hgetall(fleet_key(kind, "f1")) for kind in ("exceptions", "acknowledged")}
        number = {kind: {name: msgspec.json.decode(event)["n"] for name, event in events.items()} for kind, events in read.items()}
        moments = [dict(client.zrange(fleet_key(kind, "f1"), 0, -1, withscores=True)) for kind in ("open", "closed")]
        return [*moments, number["exceptions"], number["acknowledged"]]

    return found


def test_an_exception_opens_is_updated_seen_and_resolved_and_opens_again(writer, order, exceptions):
    one = writer()
    one.write([order(1, [about(0, "opened", now_us=50)])])
    assert exceptions() == [{b"x1": 50}, {}, {b"x1": 0}, {}]
    one.write([order(2, [about(1, "updated", now_us=60), about(2, "acknowledged", now_us=70)])])
    assert exceptions() == [{b"x1": 50}, {}, {b"x1": 2}, {b"x1": 2}]
    one.write([order(3, [about(3, "resolved", now_us=80)])])
    assert exceptions()[:3] == [{}, {b"x1": 80}, {b"x1": 3}]
    one.write([order(4, [about(4, "opened", now_us=90), about(5, "opened", "x2", now_us=95)])])
    assert exceptions() == [{b"x1": 90, b"x2": 95}, {}, {b"x1": 4, b"x2": 5}, {}]


def test_an_exception_that_is_seen_again_by_a_repeated_stretch_stays_resolved(writer, order, exceptions):
    stretch = [about(0, "opened", now_us=50), about(1, "resolved", now_us=60)]
    writer().write([order(1, stretch)])
    writer("again").write([order(2, stretch[:1], by="again")])
    assert exceptions() == [{}, {b"x1": 60}, {b"x1": 1}, {}]


def test_a_resolved_exception_is_forgotten_after_a_day_of_log_time(writer, order, exceptions):
    day_us = 86_400_000_000
    one = writer()
    one.write([order(1, [about(0, "opened"), about(1, "acknowledged"), about(2, "resolved", now_us=50)])])
    one.write([order(2, [about(3, "opened", "x2", now_us=51), about(4, "resolved", "x2", now_us=51)])])
    one.write([order(3, now_us=day_us + 50)])
    assert exceptions()[1] == {b"x1": 50, b"x2": 51}
    one.write([order(4, now_us=day_us + 51)])
    assert exceptions() == [{}, {b"x2": 51}, {b"x2": 4}, {}]
