"""The log: which shard a fleet lives in, and who comes first when two entries were received in the same microsecond."""

from zlib import crc32

SHARDS = 16
"""Shards of a log, fixed when it is made: a fleet lives whole in one of them."""

TICK_US = 10_000_000
"""Log time between ticks."""

TIES = ("fence_put", "vehicle_put", "route_published", "status", "ping", "tick")
"""Order of entries of a recorded day that were received at the same moment: plan, status, ping, tick."""


def shard_of(fleet_id: str, shards: int = SHARDS) -> int:
    """The shard of a fleet."""
    return crc32(fleet_id.encode()) % shards
