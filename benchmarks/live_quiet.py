"""How soon the live system tells of vehicles that fall silent, on the real clock: from their last fix to the event in Redis.

    python benchmarks/live_quiet.py [--vehicles 120] [--quiet 30]

All vehicles send a fix every 10 s; `quiet` of them fall silent one after the other within a minute, the others drive on. Takes as long as
the limit of `signal_lost` and three minutes: eight in all. An embedded server and one engine process, each as it runs in service.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from live_system import LiveSystem

from geofences.positions import METRES_PER_DEGREE
from stream import messages as m
from stream.codec import encode
from stream.exceptions.signal_lost import SignalLostPolicy
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import EVENTS
from stream.planned_stop import PlannedStop

FLEET, LAT, LON = "bench", 48.0, 11.0
EVERY_S, FIRST_S, WITHIN_S = 10.0, 30.0, 60.0
MPS = 9.0


def send(redis: Any, messages: list[Any]) -> None:
    """Append messages to the log, to be received now."""
    for call in calls([Message(FLEET, encode(message)) for message in messages]):
        redis.eval(SCRIPT, len(call.keys), *call.keys, *call.args)


def plans(count: int, now: datetime) -> Iterator[Any]:
    """A route for each vehicle, whose only stop nobody reaches before the end."""
    for i in range(count):
        stop = PlannedStop(stop_id=f"s{i}", visit_id=f"a{i}", seq=1, lat=LAT + 0.3, lon=LON + 0.01 * i)
        yield m.RoutePublished(fleet_id=FLEET, at=now, vehicle_id=f"v{i}", route_id=f"r{i}", stops=[stop])
        yield m.RouteStarted(fleet_id=FLEET, at=now, vehicle_id=f"v{i}", route_id=f"r{i}")


def fix(i: int, driven_s: float) -> Any:
    """Where a vehicle is after so long."""
    lat = LAT + MPS * driven_s / METRES_PER_DEGREE
    return m.Ping(fleet_id=FLEET, at=datetime.now(UTC), vehicle_id=f"v{i}", lat=lat, lon=LON + 0.01 * i)


def drive(system: LiveSystem, vehicles: int, quiet: int, end_s: float) -> tuple[dict[str, float], dict[str, float]]:
    """When each vehicle that fell silent was last sent, and when it was told of (wall clock, seconds)."""
    began, sent, told, last_id = time.time(), dict[str, float](), dict[str, float](), "0-0"
    due_s = np.arange(vehicles) * EVERY_S / vehicles
    stops_s = {i: FIRST_S + WITHIN_S * i / quiet for i in range(quiet)}
    while (now_s := time.time() - began) < end_s and len(told) < quiet:
        rows = [i for i in np.flatnonzero(due_s <= now_s).tolist() if now_s < stops_s.get(i, end_s)]
        due_s[due_s <= now_s] += EVERY_S
        if rows:
            send(system.redis, [fix(i, now_s) for i in rows])
            sent.update({f"v{i}": time.time() for i in rows if i < quiet})
        answer: Any = system.redis.xread({EVENTS: last_id}, block=50)
        for stream_id, fields in answer[0][1] if answer else []:
            last_id = stream_id
            data = msgspec.json.decode(fields[b"d"])["data"] if fields[b"k"] == b"exception_opened" else {}
            if data.get("exception_kind") == "signal_lost":
                told.setdefault(str(data["vehicle_id"]), time.time())
    return sent, told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=120)
    parser.add_argument("--quiet", type=int, default=30)
    args = parser.parse_args()
    limit_s = SignalLostPolicy().limit_s
    with LiveSystem(api=False) as system:
        send(system.redis, list(plans(args.vehicles, datetime.now(UTC))))
        sent, told = drive(system, args.vehicles, args.quiet, FIRST_S + WITHIN_S + limit_s + 90.0)
    after_s = np.array([told[name] - sent[name] - limit_s for name in sorted(told) if name in sent])
    false = sorted(set(told) - {f"v{i}" for i in range(args.quiet)})
    print(f"{len(after_s)} of {args.quiet} quiet vehicles told of; told of though they were heard: {len(false)}")
    p90_s, most_s = np.quantile(after_s, 0.9), after_s.max()
    print(f"after the limit of {limit_s:.0f} s: p50 {np.median(after_s):.1f}, p90 {p90_s:.1f}, max {most_s:.1f} s")


if __name__ == "__main__":
    main()
