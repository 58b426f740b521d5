"""The entries of judged stretches as they stand in a log: messages in their canonical JSON, in log order."""

from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

from replay.rounds import AS_RECORDED, Round
from stream.batches import FleetBatch
from stream.codec import encode
from stream.messages import Ping
from stream.moments import instant


class EncodedEntry(NamedTuple):
    """One entry: whose it is, where it stood in its shard, when it was received (microseconds), its type and its JSON."""

    fleet_id: str
    position: int
    received_us: int
    kind: str
    payload: bytes


def encoded(batch: FleetBatch, told: Round = AS_RECORDED) -> Iterator[EncodedEntry]:
    """The entries of a stretch by position, as a round tells them. What the judge refused has no message, and is left out."""
    return merge(_notices(batch, told), _pings(batch, told), key=attrgetter("position"))


def _notices(batch: FleetBatch, told: Round) -> Iterator[EncodedEntry]:
    fleet_id = told.fleet_id(batch.fleet_id)
    for notice in batch.notices:
        kind = str(notice.message.__struct_config__.tag)
        yield EncodedEntry(fleet_id, notice.position, notice.received_us + told.shift_us, kind, encode(told.message(notice.message)))


def _pings(batch: FleetBatch, told: Round) -> Iterator[EncodedEntry]:
    fleet_id, p = told.fleet_id(batch.fleet_id), batch.pings
    heads = (p.position, p.received_us + told.shift_us, p.at_us + told.shift_us, p.vehicle)
    real = (p.lat, p.lon, p.speed_mps, p.heading_deg, p.accuracy_m)
    columns = zip(*(column.tolist() for column in (*heads, *real)), strict=True)
    for position, received_us, at_us, vehicle, lat, lon, speed, heading, accuracy in columns:
        ping = Ping(
            fleet_id=fleet_id,
            at=instant(at_us),
            vehicle_id=p.names[vehicle],
            lat=lat,
            lon=lon,
            speed_mps=speed if speed == speed else None,
            heading_deg=heading if heading == heading else None,
            accuracy_m=accuracy if accuracy == accuracy else None,
        )
        yield EncodedEntry(fleet_id, position, received_us, "ping", encode(ping))
