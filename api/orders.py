"""Orders to visits: what `order_ref` they carry is kept as a sorted set of `order_ref`, NUL, `visit_id`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fastapi_problem.error import Problem
from redis.asyncio import Redis

from api.documents import OrderEta
from api.lookups import Place, etas_of
from api.problems import problem
from stream.live.keys import fleet_key
from stream.live.views import FleetEntry
from stream.texts import is_id


class _Order(NamedTuple):
    """An order in one fleet."""

    fleet_id: str
    visit_ids: list[str]


async def orders_of(redis: Redis, refs: Iterable[str], fleets: Mapping[str, FleetEntry]) -> dict[str, OrderEta | Problem]:
    """Each order with its visits, or the problem with it (404, 409): four round trips, however many orders."""
    chosen = {ref: _only(ref, found) for ref, found in (await _found(redis, refs, fleets)).items()}
    orders = {ref: order for ref, order in chosen.items() if isinstance(order, _Order)}
    places = await _places(redis, orders, fleets)
    etas = iter(await etas_of(redis, [place for mine in places.values() for place in mine]))
    told = {ref: [next(etas) for _ in mine] for ref, mine in places.items()}
    return {
        ref: order
        if isinstance(order, Problem)
        else OrderEta(order.fleet_id, ref, [eta for eta in told[ref] if eta is not None and eta.order_ref == ref])
        for ref, order in chosen.items()
    }


def _only(ref: str, found: list[_Order]) -> _Order | Problem:
    if not found:
        return problem(404, "There is no such order.")
    if len(found) > 1:
        detail = f"There is an order {ref} in {len(found)} fleets: say which with fleet_id."
        return problem(409, detail, fleets=[order.fleet_id for order in found])
    return found[0]


async def _found(redis: Redis, refs: Iterable[str], fleets: Mapping[str, FleetEntry]) -> dict[str, list[_Order]]:
    """Where each order occurs."""
    found: dict[str, list[_Order]] = {ref: [] for ref in refs}
    asked = [(ref, fleet_id) for ref in found if is_id(ref) for fleet_id in fleets]
    async with redis.pipeline(transaction=False) as pipe:
        for ref, fleet_id in asked:
            pipe.zrangebylex(fleet_key("orders", fleet_id), f"[{ref}\0", f"({ref}\1")
        answers = await pipe.execute() if asked else []
    for (ref, fleet_id), members in zip(asked, answers, strict=True):
        if members:
            found[ref].append(_Order(fleet_id, [member.decode().partition("\0")[2] for member in members]))
    return found


async def _places(redis: Redis, orders: Mapping[str, _Order], fleets: Mapping[str, FleetEntry]) -> dict[str, list[Place]]:
    """The visits of each order and the routes that they are on now."""
    asked: dict[str, list[str]] = {}
    for order in orders.values():
        asked.setdefault(order.fleet_id, []).extend(order.visit_ids)
    async with redis.pipeline(transaction=False) as pipe:
        for fleet_id, visit_ids in asked.items():
            pipe.hmget(fleet_key("visits", fleet_id), visit_ids)
        answers = await pipe.execute() if orders else []
    routes = {fleet_id: dict(zip(asked[fleet_id], found, strict=True)) for fleet_id, found in zip(asked, answers, strict=True)}
    return {
        ref: [
            Place(order.fleet_id, fleets[order.fleet_id].time_zone, route.decode(), visit_id)
            for visit_id in order.visit_ids
            if (route := routes[order.fleet_id][visit_id]) is not None
        ]
        for ref, order in orders.items()
    }
