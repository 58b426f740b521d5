"""Devices and apps that people already have: set the URL, and it works.

`/v1/devices/PROTOCOL`, `/v1/devices/PROTOCOL/FLEET` or, for devices that can send neither headers nor a password,
`/v1/devices/PROTOCOL/FLEET/KEY`. What is refused is a dead letter and yet answered with a 2xx: a device that is told 4xx sends the
same thing for ever, and nothing behind it. OsmAnd and OwnTracks hear 200, because the SDK in Traccar Client knows 200, 201 and 204 only.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBasic, HTTPBasicCredentials, HTTPBearer

from api.answers import JsonResponse
from api.auth import KnownKeys
from api.cursors import FleetId
from api.device_osmand import read_json, read_query
from api.device_owntracks import read_publish
from api.device_schema import FORWARD, OSMAND, OSMAND_QUERY, OWNTRACKS, Schema
from api.device_traccar import read_forward
from api.ingest import take_items
from api.ingest_schema import Receipt, receipts
from api.ingest_verdicts import Wanted
from api.log import Log, TheLog, patience
from api.problems import documented, problem
from stream.texts import ID_PATTERN

PREFIX = "/v1/devices"

LARGEST_BODY = 1 << 20
"""Bytes of a body; a position has some hundred."""

_PING = Wanted(frozenset({"ping"}))
_NO_NEWS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Heard.", "content": {"application/json": {"schema": {"type": "array", "maxItems": 0}}}},
    **documented(401, 413, 422, 503),
}

Handler = Callable[..., Awaitable[Response]]

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
_BEARER = HTTPBearer(auto_error=False)
_BASIC = HTTPBasic(auto_error=False, description="Any name, and the API key as password: what OwnTracks and Traccar can send.")


def without_key(path: str) -> str:
    """The path of a request as it may be logged: a key in the address of a device is left out."""
    parts = path.split("/")
    return "/".join([*parts[:5], "-"]) if path.startswith(f"{PREFIX}/") and len(parts) > 5 else path


async def require_device_key(
    request: Request,
    header: Annotated[str | None, Depends(_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    basic: Annotated[HTTPBasicCredentials | None, Depends(_BASIC)],
) -> str:
    """The name of the key that came as a header, as password or in the address, which loses it here so that no log has it."""
    request.scope["path"] = without_key(request.scope["path"])
    request.scope["raw_path"] = request.scope["path"].encode()
    in_path = request.path_params.get("key")
    for key in (header, bearer and bearer.credentials, basic and basic.password, in_path):
        async with patience():
            keys: KnownKeys = request.app.state.keys
            name = await keys.name_of(key) if key else None
        if name is not None:
            return name
    detail = "No API key that is known came as header, as password, or at the end of the address."
    raise problem(401, detail, {"WWW-Authenticate": 'Basic realm="fleetcast"'})


async def _fleet(request: Request, log: Log, fleet_id: str | None) -> str:
    """The fleet in the address, or in the query, or the only live one."""
    return await log.fleet_or_only(request.path_params.get("fleet", fleet_id), of_devices=True)


async def _now_us(log: Log, fleet_id: str) -> int:
    """The time of a position that has none."""
    return (await log.received_us({fleet_id}))[fleet_id]


async def _fleet_in_path(fleet: Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]) -> None: ...


async def _key_in_path(key: Annotated[str, Path(min_length=1, max_length=256, description="An API key.")]) -> None: ...


_PATHS = {"": [], "/{fleet}": [Depends(_fleet_in_path)], "/{fleet}/{key}": [Depends(_fleet_in_path), Depends(_key_in_path)]}

router = APIRouter(tags=["devices"], dependencies=[Depends(require_device_key)])
"""To be included without any other demand for a key."""


def _at(method: str, protocol: str, responses: dict[int | str, dict[str, Any]], said: Schema) -> Callable[[Handler], Handler]:
    """Register a handler for a protocol at each of its addresses."""

    def add(handler: Handler) -> Handler:
        for path, parts in _PATHS.items():
            router.add_api_route(
                f"{PREFIX}/{protocol}{path}",
                handler,
                methods=[method],
                status_code=next(iter(responses)),
                responses=responses,
                dependencies=parts,
                openapi_extra=said,
                max_body_size=LARGEST_BODY,
            )
        return handler

    return add


@_at("GET", "osmand", receipts(401, 422, 503, status=200), OSMAND_QUERY)
async def hear_query(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """OsmAnd, Traccar Client before 9, and whatever else speaks that protocol: a position in a query."""
    fleet = await _fleet(request, log, fleet_id)
    return JsonResponse(await take_items(log, read_query(fleet, request.url.query, b"", await _now_us(log, fleet)), _PING))


@_at("POST", "osmand", receipts(401, 413, 422, 503, status=200), OSMAND)
async def hear_post(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """Traccar Client from 9 on (JSON), or a position as a form."""
    fleet = await _fleet(request, log, fleet_id)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        items = read_json(fleet, body)
    else:
        items = read_query(fleet, request.url.query, body, await _now_us(log, fleet))
    return JsonResponse(await take_items(log, items, _PING))


@_at("POST", "traccar", receipts(401, 413, 422, 503), FORWARD)
async def hear_traccar(request: Request, log: TheLog, fleet_id: FleetId = None) -> Response:
    """A position that a Traccar server forwards; its events are ignored, and the answer says so."""
    fleet = await _fleet(request, log, fleet_id)
    items = read_forward(fleet, await request.body())
    if isinstance(items, str):
        return JsonResponse(Receipt(0, [], items), 202)
    return JsonResponse(await take_items(log, items, _PING), 202)


@_at("POST", "owntracks", _NO_NEWS, OWNTRACKS)
async def hear_owntracks(
    request: Request,
    log: TheLog,
    fleet_id: FleetId = None,
    u: Annotated[str | None, Query(max_length=256, description="User.")] = None,
    d: Annotated[str | None, Query(max_length=256, description="Device.")] = None,
    x_limit_u: Annotated[str | None, Header(max_length=256)] = None,
    x_limit_d: Annotated[str | None, Header(max_length=256)] = None,
) -> Response:
    """A location from OwnTracks in HTTP mode. The answer is what the app should show of others: nothing."""
    fleet = await _fleet(request, log, fleet_id)
    named = (u, d) if u or d else (x_limit_u, x_limit_d)
    await take_items(log, read_publish(fleet, await request.body(), *named), _PING)
    return JsonResponse(b"[]")
