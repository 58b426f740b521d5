"""`/v1/exceptions`: what is going to be late, and what was."""

from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request, Response
from redis.asyncio import Redis

from api.answers import answer, answers
from api.cursors import Cursor, FleetId, Limit, cursor_of, place_of
from api.exception_documents import ExceptionDocument, ExceptionPage
from api.lookups import find, fleets_of
from api.problems import problem
from api.read_exceptions import exception_document, kind_of
from stream.exceptions.kinds import KindName, Severity
from stream.live.keys import fleet_key
from stream.planned_stop import Whole
from stream.texts import ID_PATTERN

router = APIRouter(prefix="/v1", tags=["exceptions"])

AT_ONCE = 500
"""Exceptions that are looked at in one round trip where only some kind is asked for."""

Status = Literal["open", "closed", "all"]
Kind = Annotated[KindName | None, Query(description="Only exceptions of this kind.")]
OfSeverity = Annotated[Severity | None, Query(description="Only exceptions that are so grave.")]
OfVehicle = Annotated[str | None, Query(pattern=f"^{ID_PATTERN}$", description="Only exceptions about this vehicle.")]
LeastPriority = Annotated[int | None, Query(description="Only exceptions that harm a visit of this priority or a higher one.")]


class Wanted(NamedTuple):
    """Which exceptions are asked for; None = all."""

    kind: str | None = None
    severity: str | None = None
    vehicle_id: str | None = None
    priority: int | None = None

    def has(self, one: ExceptionDocument) -> bool:
        """Whether this one is."""
        if self.severity not in {None, one.severity} or self.vehicle_id not in {None, one.vehicle_id}:
            return False
        return self.priority is None or one.priority >= self.priority


class Row(NamedTuple):
    """An exception among the open or the closed ones: since when it is there."""

    since_us: int
    exception_id: str
    fleet_id: str
    status: Literal["open", "closed"]

    @property
    def place(self) -> tuple[int, str]:
        """By what pages are ordered, greatest first."""
        return self.since_us, self.exception_id


def _wanted(kind: Kind = None, severity: OfSeverity = None, vehicle_id: OfVehicle = None, priority: LeastPriority = None) -> Wanted:
    return Wanted(kind, severity, vehicle_id, priority)


@router.get("/exceptions", responses=answers(ExceptionPage, 404, 422))
async def list_exceptions(
    request: Request,
    wanted: Annotated[Wanted, Depends(_wanted)],
    fleet_id: FleetId = None,
    status: Status = "open",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Exceptions, the newest first: open ones by when they opened, closed ones by when they were over."""
    redis: Redis = request.app.state.redis
    before = place_of(cursor, tuple[Whole, str]) if cursor is not None else None
    found = await _find(redis, list(await fleets_of(redis, fleet_id)), status, wanted, before, limit + 1)
    items = [one for _, one in found[:limit]]
    return answer(request, ExceptionPage(items, cursor_of(*found[limit - 1][0].place) if len(found) > limit else None))


@router.get("/exceptions/{exception_id}", responses=answers(ExceptionDocument, 404, 409, 422))
async def show_exception(request: Request, exception_id: str, fleet_id: FleetId = None) -> Response:
    """One exception by its id, which is the same each time that it opens."""
    redis: Redis = request.app.state.redis
    found = await find(redis, "exceptions", exception_id, "exception", fleet_id)
    async with redis.pipeline(transaction=True) as pipe:
        for status in ("open", "closed"):
            pipe.zscore(fleet_key(status, found.fleet_id), exception_id)
        opened, closed = await pipe.execute()
    if opened is None and closed is None:
        raise problem(404, f"There is no exception {exception_id} any more.")
    row = Row(int(opened if opened is not None else closed), exception_id, found.fleet_id, "open" if opened is not None else "closed")
    documents = await _documents(redis, [row])
    if not documents:
        raise problem(404, f"There is no exception {exception_id} any more.")
    return answer(request, documents[0][1])


async def _find(
    redis: Redis, fleets: list[str], status: Status, wanted: Wanted, before: tuple[int, str] | None, count: int
) -> list[tuple[Row, ExceptionDocument]]:
    """The newest exceptions behind a place."""
    statuses: tuple[Literal["open", "closed"], ...] = ("open", "closed") if status == "all" else (status,)
    keys = [(fleet, one) for fleet in fleets for one in statuses]
    at_once, found = max(count, AT_ONCE) if wanted != Wanted() else count, list[tuple[Row, ExceptionDocument]]()
    while True:
        some = await _some(redis, keys, before, at_once)
        rows = [row for row in some if wanted.kind in {None, kind_of(row.exception_id, row.fleet_id)}]
        found += [(row, one) for row, one in await _documents(redis, rows) if wanted.has(one)]
        if len(found) >= count or len(some) < at_once:
            return found[:count]
        before = some[-1].place


async def _some(redis: Redis, keys: list[tuple[str, Literal["open", "closed"]]], before: tuple[int, str] | None, count: int) -> list[Row]:
    """As many as asked for, of any kind: of every set those of the very time of the place, and as many older ones."""
    async with redis.pipeline(transaction=False) as pipe:
        for fleet, status in keys:
            key = fleet_key(status, fleet)
            if before is not None:
                pipe.zrangebyscore(key, before[0], before[0], withscores=True)
            pipe.zrevrangebyscore(key, f"({before[0]}" if before is not None else "+inf", "-inf", 0, count, withscores=True)
        answers = iter(await pipe.execute() if keys else [])
    rows = []
    for fleet, status in keys:
        found = [*next(answers), *(next(answers) if before is not None else ())]
        rows += [Row(int(score), member.decode(), fleet, status) for member, score in found]
    return sorted((row for row in rows if before is None or row.place < before), key=lambda row: row.place, reverse=True)[:count]


async def _documents(redis: Redis, rows: list[Row]) -> list[tuple[Row, ExceptionDocument]]:
    async with redis.pipeline(transaction=False) as pipe:
        for row in rows:
            pipe.hget(fleet_key("exceptions", row.fleet_id), row.exception_id)
            pipe.hget(fleet_key("acknowledged", row.fleet_id), row.exception_id)
            pipe.hget(fleet_key("proposals", row.fleet_id), row.exception_id)
        raws = await pipe.execute() if rows else []
    return [
        (row, exception_document(row.exception_id, row.fleet_id, row.status, row.since_us, event, acknowledged, proposals))
        for row, event, acknowledged, proposals in zip(rows, raws[::3], raws[1::3], raws[2::3], strict=True)
        if event is not None
    ]
