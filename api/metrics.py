"""`/metrics`: what to watch, in the text format of Prometheus."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from redis.asyncio import Redis

from api.documents import FleetDocument
from api.fleets import fleet_page
from api.lookups import redis_micros
from api.read_health import read_heartbeats
from api.readers import text
from stream.live.keys import COUNTS, EVENTS, HEARTBEATS, REFUSED, fleet_key
from stream.live.views import Heartbeat

router = APIRouter(tags=["operations"])

_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get("/metrics", responses=_RESPONSES, response_class=Response)
async def metrics(request: Request) -> Response:
    """Lag, messages, events, refusals, processes, exceptions and listeners, read from Redis for each request."""
    redis: Redis = request.app.state.redis
    fleets = (await fleet_page(redis)).items
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(COUNTS)
        pipe.hgetall(REFUSED)
        pipe.hgetall(HEARTBEATS)
        pipe.xlen(EVENTS)
        for fleet in fleets:
            pipe.hget(fleet_key("fleet", fleet.fleet_id), "sequence")
        counts, refused, beats, kept, *told = await pipe.execute()
    events = {fleet.fleet_id: int(sequence or 0) for fleet, sequence in zip(fleets, told, strict=True)}
    families = [
        *_of_log(counts, kept, events),
        *_of_fleets(fleets),
        _refusals(refused, fleets),
        *_of_processes(read_heartbeats(beats), await redis_micros(redis)),
        GaugeMetricFamily("fleetcast_sse_clients", "Clients that listen to events.", request.app.state.ring.listeners),
    ]
    return Response(text_of(families), media_type=CONTENT_TYPE_LATEST)


class _Told:
    """Metrics that were read already, as prometheus_client collects them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        return self._families


def text_of(families: Iterable[Metric]) -> bytes:
    """The text format of metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(families))
    return generate_latest(registry)


def _of_log(counts: Mapping[bytes, bytes], kept: int, events: Mapping[str, int]) -> Iterable[Metric]:
    messages = CounterMetricFamily("fleetcast_log_messages", "Messages ever appended to the log.", labels=["shard"])
    for shard, count in sorted(counts.items(), key=lambda item: int(item[0])):
        messages.add_metric([text(shard)], int(count))
    told = CounterMetricFamily("fleetcast_events", "Events ever told.", labels=["fleet"])
    for fleet_id, sequence in events.items():
        told.add_metric([fleet_id], sequence)
    return messages, told, GaugeMetricFamily("fleetcast_events_kept", "Events kept for those who come back.", kept)


def _of_fleets(fleets: Iterable[FleetDocument]) -> Iterable[Metric]:
    lag = GaugeMetricFamily("fleetcast_lag_seconds", "Wall clock minus the now of a live fleet.", labels=["fleet"])
    received = CounterMetricFamily("fleetcast_received", "Messages of a fleet that its engine has taken.", labels=["fleet"])
    vehicles = GaugeMetricFamily("fleetcast_vehicles", "Vehicles of a fleet.", labels=["fleet"])
    exceptions = GaugeMetricFamily("fleetcast_open_exceptions", "Exceptions that are open.", labels=["fleet"])
    for fleet in fleets:
        exceptions.add_metric([fleet.fleet_id], fleet.open_exceptions)
        if fleet.lag_s is not None:
            lag.add_metric([fleet.fleet_id], fleet.lag_s)
        if fleet.totals is not None:
            received.add_metric([fleet.fleet_id], fleet.totals.received)
            vehicles.add_metric([fleet.fleet_id], fleet.totals.vehicles)
    return lag, received, vehicles, exceptions


def _refusals(refused: Mapping[bytes, bytes], fleets: Iterable[FleetDocument]) -> Metric:
    family = CounterMetricFamily("fleetcast_refused", "Inputs refused, before the log or behind it.", labels=["by", "fleet", "reason"])
    for reason, count in sorted(refused.items()):
        family.add_metric(["api", "", text(reason)], int(count))
    for fleet in fleets:
        for name, number in sorted((fleet.totals.refused if fleet.totals is not None else {}).items()):
            family.add_metric(["engine", fleet.fleet_id, name], number)
    return family


def _of_processes(beats: Mapping[str, Heartbeat], clock_us: int) -> Iterable[Metric]:
    age = GaugeMetricFamily("fleetcast_heartbeat_age_seconds", "Since a process was last heard of.", labels=["process"])
    restarts = CounterMetricFamily("fleetcast_restarts", "How often a process was started again.", labels=["process"])
    for name, beat in beats.items():
        age.add_metric([name], max(clock_us - beat.at_us, 0) / 1e6)
        restarts.add_metric([name], beat.restarts)
    return age, restarts
