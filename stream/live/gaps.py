"""Messages that a log no longer holds although nobody had read them: told of once, with their exact number."""

import msgspec
from redis import Redis

from stream.cloud_event import CloudEvent
from stream.live.keys import EVENTS, GAPS
from stream.live.patience import WHEN_FULL
from stream.live.settings import LiveSettings
from stream.moments import instant

_SCRIPT = (
    WHEN_FULL
    + """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'f', '', 'k', 'input_gap', 's', '0', 'd', ARGV[4])
return 1
"""
)


def tell_gap(redis: Redis, settings: LiveSettings, shard: int, first: int, lost: int, now_us: int) -> None:
    """Emit `input_gap` for the messages `first .. first + lost - 1` of a shard, unless it was told before."""
    now = instant(now_us)
    event = CloudEvent(
        specversion="1.0",
        id=f"shard-{shard:02d}:input_gap:{first}",
        source="/fleetcast",
        type="fleetcast.input_gap.v1",
        subject=f"shard/{shard}",
        time=now,
        datacontenttype="application/json",
        fleetid="",
        sequence="0",
        data={"shard": shard, "first": first, "lost": lost, "occurred_at": now, "detected_at": now},
    )
    args = f"{shard}:{first}", str(lost), str(settings.events_kept), msgspec.json.encode(event)
    redis.eval(_SCRIPT, 2, GAPS, EVENTS, *args)
