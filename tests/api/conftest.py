"""A Redis in which fleets stand as the engine would have written them, and the API on top of it."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from api.app import create_app
from api.auth import fingerprint
from api.listening import address_of, bind
from eta_models.columns import MISSING
from stream.live.keys import API_KEYS, COUNTS, EVENTS, FLEETS, HEARTBEATS, REFUSED, fleet_key
from stream.live.server import connect_async
from stream.live.settings import LiveSettings
from stream.live.views import FIX, VISIT, CellsView, FenceStay, FleetEntry, Heartbeat, PlannedVisit, RouteView, Totals, VehicleView

KEY = "a-key-of-the-tests"
NOON_US = 1_780_000_020_000_000
"""The now of every fleet in here: 2026-05-28T20:27:00Z."""
MINUTE_US = 60_000_000
CELL = 0x892A100D2C3FFFF

encode = msgspec.json.encode


class Present:
    """Writes what the engine writes, by hand."""

    noon_us, minute_us, key = NOON_US, MINUTE_US, KEY

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def clock_us(self) -> int:
        seconds, micros = self.redis.time()
        return seconds * 1_000_000 + micros

    def fix(self, **values: Any) -> bytes:
        """A packed fix of noon."""
        row = np.zeros(1, FIX)
        plain = {"at_us": NOON_US, "received_us": NOON_US, "cell": CELL, "estimated_us": MISSING}
        unknown = dict.fromkeys(("heading_deg", "accuracy_m", "deviation_s"), np.nan)
        for name, value in {**plain, **unknown, **values}.items():
            row[name] = value
        return row.tobytes()

    def row(self, **values: Any) -> bytes:
        """A packed visit: open, and nothing known of it."""
        row = np.empty(1, VISIT)
        plain = {
            **dict.fromkeys(VISIT.names, MISSING),
            "state": 0,
            "at_risk": 0,
            "p_late": np.nan,
            **{name: 0 for name in VISIT.names if name.startswith(("by_", "moved_"))},
            "by_drive_s": -1,
        }
        for name, value in {**plain, **values}.items():
            row[name] = value
        return row.tobytes()

    def estimated(self, minutes: float, **more: Any) -> bytes:
        """An open visit that will be reached in so many minutes, five more or less."""
        p50_us = NOON_US + round(minutes * MINUTE_US)
        told = {"p10_us": p50_us - 5 * MINUTE_US, "p50_us": p50_us, "p90_us": p50_us + 5 * MINUTE_US, "p_late": 0.25}
        return self.row(**{**told, "closes_us": NOON_US + 60 * MINUTE_US, **more})

    def visit(self, visit_id: str, **values: Any) -> PlannedVisit:
        plain = PlannedVisit(visit_id, f"stop-{visit_id}", 1, "delivery", 40.7, -74.0, 60.0, None, 0, None, None, {})
        return msgspec.structs.replace(plain, **values)

    def put_fleet(self, fleet_id: str, time_zone: str = "Europe/Berlin", *, driven: bool = True, now_us: int = NOON_US) -> None:
        self.redis.hset(FLEETS, fleet_id, encode(FleetEntry(time_zone, driven, 0)))
        totals = Totals(120, 100, 2, {"teleport": 3}, {"duplicate": 4}, 3, 1, 0)
        self.redis.hset(fleet_key("fleet", fleet_id), mapping={"now_us": now_us, "sequence": 7, "totals": encode(totals)})

    def put_vehicle(self, fleet_id: str, vehicle_id: str, fix: bytes | None = None, **values: Any) -> None:
        nothing = VehicleView(vehicle_id, None, None, None, False, False, MISSING, [], None, None, [])
        self.redis.hset(fleet_key("vehicles", fleet_id), vehicle_id, encode(msgspec.structs.replace(nothing, **values)))
        if fix is not None:
            self.redis.hset(fleet_key("fixes", fleet_id), vehicle_id, fix)

    def put_route(self, fleet_id: str, route_id: str, vehicle_id: str, *visits: tuple[PlannedVisit, bytes], **more: Any) -> None:
        plan = [visit for visit, _ in visits]
        view = RouteView(route_id, vehicle_id, 3, NOON_US - 60 * MINUTE_US, True, MISSING, False, None, plan)
        self.redis.hset(fleet_key("routes", fleet_id), route_id, encode(msgspec.structs.replace(view, **more)))
        self.redis.hset(fleet_key("etas", fleet_id), route_id, b"".join(row for _, row in visits))
        for visit in plan:
            self.redis.hset(fleet_key("visits", fleet_id), visit.visit_id, route_id)
            if visit.order_ref is not None:
                self.redis.zadd(fleet_key("orders", fleet_id), {f"{visit.order_ref}\0{visit.visit_id}": 0})

    def event(self, fleet_id: str, kind: str, number: int, **data: Any) -> bytes:
        fixed = {"specversion": "1.0", "datacontenttype": "application/json", "time": "2026-05-28T20:26:00Z"}
        named = {"id": f"{fleet_id}:{kind}:{number}", "source": f"/fleetcast/{fleet_id}", "type": f"fleetcast.{kind}.v1"}
        return encode({**fixed, **named, "subject": f"visit/v{number}", "fleetid": fleet_id, "sequence": f"{number:012d}", "data": data})

    def tell(self, fleet_id: str, kind: str, number: int, stream_id: str = "*", **data: Any) -> str:
        """Put an event into the stream; its id there."""
        entry = {"f": fleet_id, "k": kind, "s": number, "d": self.event(fleet_id, kind, number, **data)}
        return self.redis.xadd(EVENTS, entry, id=stream_id).decode()

    def put_exception(
        self, fleet_id: str, visit_id: str, since_us: int, status: str = "open", by: str = "", kind: str = "late_risk"
    ) -> str:
        exception_id = f"{fleet_id}:{kind}:{visit_id}"
        phase = "exception_opened" if status == "open" else "exception_resolved"
        told = self.event(fleet_id, phase, 1, exception_id=exception_id, exception_kind=kind, visit_id=visit_id)
        self.redis.hset(fleet_key("exceptions", fleet_id), exception_id, told)
        self.redis.zadd(fleet_key(status, fleet_id), {exception_id: since_us})
        if by:
            seen = self.event(fleet_id, "exception_acknowledged", 2, exception_id=exception_id, by=by)
            self.redis.hset(fleet_key("acknowledged", fleet_id), exception_id, seen)
        return exception_id

    def beat(self, name: str, shards: str, age_s: float = 0.0, restarts: int = 0) -> None:
        at_us = self.clock_us() - round(age_s * 1e6)
        self.redis.hset(HEARTBEATS, name, encode(Heartbeat(1, at_us, at_us, restarts, shards)))


@pytest.fixture
def present(redis: Redis) -> Present:
    """An empty Redis that knows the key of the tests."""
    redis.hset(API_KEYS, fingerprint(KEY), "tests")
    return Present(redis)


def fill(present: Present) -> None:
    """Two driven fleets: `north` with a route under way, and `south` with some of the same ids."""
    present.put_fleet("north")
    present.put_fleet("south", "America/New_York")
    for fleet_id in ("north", "south"):
        present.put_vehicle(fleet_id, "shared")
    fix = present.fix(lat=52.5, lon=13.4, speed_mps=8.5, deviation_s=30.0)
    here = {
        "route_id": "r1",
        "next_visit_id": "v2",
        "fences": [FenceStay("depot", NOON_US - MINUTE_US)],
        "driver_id": "d7",
        "skills": ["cold"],
    }
    present.put_vehicle("north", "van-1", fix, **here)
    present.put_route(
        "north", "r1", "van-1",
        (present.visit("v1", seq=1, order_ref="o1"), present.row(state=2, planned_us=NOON_US, arrived_us=NOON_US - MINUTE_US, p50_us=1)),
        (present.visit("v2", seq=2, order_ref="o2", customer_ref="c2", metadata={"floor": "3"}), present.estimated(10)),
        (present.visit("v3", seq=3, order_ref="o2"), present.estimated(90, at_risk=1)),
        (present.visit("v4", seq=4), present.row()),
    )  # fmt: skip
    present.put_route("south", "r9", "shared", (present.visit("w1", order_ref="o1"), present.row()), started=False)
    present.redis.set(fleet_key("cells", "north"), encode(CellsView(NOON_US, {"892a100d2c3ffff": (7.25, 31)})))
    present.put_exception("north", "v3", NOON_US - MINUTE_US, by="ada")
    present.put_exception("north", "v1", NOON_US - 9 * MINUTE_US, "closed")
    for number in range(3):
        present.tell("north", "eta_updated", number)
    present.beat("stream-0", "0-15", restarts=2)
    present.redis.hset(COUNTS, "3", 120)
    present.redis.hset(REFUSED, "bad_json", 5)


@pytest.fixture
def two_fleets(present: Present) -> Present:
    """A Redis with the two fleets of `fill`."""
    fill(present)
    return present


@pytest.fixture(scope="module")
def module_present(redis_url: str) -> Iterator[Present]:
    """The same for a module that only looks, or does not mind what it has changed itself."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        redis.hset(API_KEYS, fingerprint(KEY), "tests")
        present = Present(redis)
        fill(present)
        present.beat("stream-0", "0-15", age_s=-600)
        yield present


@pytest.fixture(scope="module")
def address(redis_url: str, tmp_path_factory: pytest.TempPathFactory, module_present: Present) -> Iterator[str]:
    """Where the API is served on `module_present`, by a real server."""
    connection = connect_async(redis_url)
    app = create_app(LiveSettings(redis_url=redis_url, state_dir=tmp_path_factory.mktemp("state")), connection)
    config = uvicorn.Config(closing(app, connection), log_config=None, access_log=False)
    server, listening = uvicorn.Server(config), bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield address_of(listening)
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> LiveSettings:
    return LiveSettings(redis_url=redis_url, state_dir=tmp_path / "state")


def closing(app: FastAPI, connection: AsyncRedis) -> FastAPI:
    """The application, which at its end closes the connection that it was given."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            yield
        await connection.aclose()

    app.router.lifespan_context = lifespan
    return app


@pytest.fixture
def app(settings: LiveSettings, redis_url: str, present: Present) -> FastAPI:
    connection = connect_async(redis_url)
    return closing(create_app(settings, connection), connection)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """The API, asked with the key."""
    with TestClient(app, headers={"X-API-Key": KEY}, raise_server_exceptions=False) as client:
        yield client
