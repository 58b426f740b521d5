"""Past capacity: statuses and plans are applied, pings thinned with the newest kept, counted and told; one loud vehicle hurts nobody.

    python benchmarks/reliability/overload.py [--seed N] [--seconds 75] [--rate 120000] [--vehicles 20000]

First a live fleet is sent more pings than its engine can take, with plans and statuses in between, until it is 10 s behind and more.
When it has caught up, everything is counted, and the log is taken once more by a plain loop, which must thin the same pings and give the
same events. Then one vehicle of 1,000 sends 100 fixes a second, in a plain loop: the others' events must be the same as without it.
"""

import os
import time
from collections import Counter
from typing import Any

import msgspec
import numpy as np
from harness import arguments, kill, plans, result, wait_until
from live_system import LiveSystem
from redis import Redis

from stream.codec import encode
from stream.flow import Fleets
from stream.intake import Entry, read_entries
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import DEAD, EVENTS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FIX, Totals
from stream.log import shard_of
from stream.messages import Ping, Tick, WindowChanged
from stream.moments import instant
from stream.reasons import Reason
from stream.settings import FleetSettings

SETTINGS = FleetSettings()
FLEET = "crowd"
STATUSES_A_S, ROUTES, STOPS = 50, 500, 10


def now_us() -> int:
    """The wall clock: the fleet is a live one."""
    return time.time_ns() // 1000


def crowd(redis: Redis, seconds: int, rate: int, vehicles: int, seed: int) -> tuple[int, dict[str, int]]:
    """Send too much; how many messages, and the newest fix of each vehicle."""
    script, draw, newest = redis.register_script(SCRIPT), np.random.default_rng(seed), dict[str, int]()

    def send(raw: list[bytes]) -> None:
        for call in calls([Message(FLEET, one) for one in raw]):
            script(keys=call.keys, args=call.args)

    began_us, sent, turn = now_us(), 0, 0
    opening = list(plans(FLEET, ROUTES, STOPS, began_us))
    send(opening)
    sent += len(opening)
    while now_us() - began_us < seconds * 1_000_000:
        due = min(round((now_us() - began_us) / 1e6 * rate) - turn, rate // 5)
        if due < 500:
            time.sleep(0.01)
            continue
        at_ms, names = now_us() // 1000, [(turn + i) % vehicles for i in range(due)]
        lons = 10.0 + 0.000_001 * (at_ms - began_us // 1000) * 0.1 + draw.normal(0.0, 1e-5, due)
        form = b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":%.6f}'
        said = [form % (FLEET.encode(), at_ms, v, 40.0 + 0.003 * v % 20, lon) for v, lon in zip(names, lons.tolist(), strict=True)]
        newest.update(dict.fromkeys((f"v{v:05d}" for v in names), at_ms * 1000))
        places = sorted(draw.integers(len(said), size=max(1, due * STATUSES_A_S // rate)).tolist())
        for k, place in enumerate(places):
            v, end, at = int(draw.integers(ROUTES)), instant(began_us + int(draw.integers(7_200)) * 1_000_000), instant(at_ms * 1000 + k)
            changed = WindowChanged(
                fleet_id=FLEET, at=at, vehicle_id=f"v{v:05d}", route_id=f"r{v}", stop_id=f"s{v}-{STOPS - 1}", window_end=end
            )
            said.insert(place + k, encode(changed))
        send(said)
        turn, sent = turn + due, sent + len(said)
    return sent, newest


def live(seconds: int, rate: int, vehicles: int, seed: int) -> tuple[bool, dict[str, object]]:
    """Through the live engine, and once more through a plain loop."""
    os.environ |= {"FLEETCAST_RETENTION_MB": "8000", "FLEETCAST_RETENTION_MIN": "1000"}
    with LiveSystem(api=False) as system:
        began_s = time.monotonic()
        sent, newest = crowd(system.redis, seconds, rate, vehicles, seed)
        sending_s = time.monotonic() - began_s
        caught_up_s = wait_until(lambda: is_quiet(system.redis, newest), 900)
        kill(system.children["stream-0"])
        totals = msgspec.json.decode(system.redis.hget(fleet_key("fleet", FLEET), "totals"), type=Totals)
        position = int(system.redis.hget(fleet_key("fleet", FLEET), "position")) - 1
        dead: Any = system.redis.xrange(DEAD)
        answer: Any = system.redis.xrange(log_key(shard_of(FLEET)))
        events: Any = system.redis.xrange(EVENTS)
        entries = [entry for stream_id, fields in answer for entry in unpack(stream_id, fields) if entry.position <= position]
        ticks = [msgspec.json.decode(entry.payload, type=dict)["behind_s"] for entry in entries if b'"type":"tick"' in entry.payload[:20]]
        own = len(ticks) + sum(b'"type":"proposals_made"' in entry.payload[:30] for entry in entries)
    fleets, given = Fleets(lambda _: SETTINGS), list[bytes]()
    state = fleets.open(FLEET)
    for first in range(0, len(entries), 20_000):
        for batch in read_entries(SETTINGS.judge, entries[first : first + 20_000]):
            applied = fleets.step(state, batch)
            given += [event.payload for event in applied.events] if applied else []
    others = Counter(fields[b"k"].decode() for _, fields in dead)
    thinned = totals.refused.get(Reason.THINNED, 0)
    good = thinned > 0 and set(others) <= {"ping"} and totals.received == len(entries) == sent + own
    same = (state.received, state.refused) == (totals.received, totals.refused)
    same = same and given[-len(events) :] == [one[b"d"] for _, one in events]
    told = sum(msgspec.json.decode(one[b"d"])["data"]["count"] for _, one in events if one[b"k"] == b"pings_thinned")
    refused_others = sum(others.values()) - others["ping"]
    figures: dict[str, object] = {"sent": sent, "a_second": round(sent / sending_s), "thinned": thinned, "told": told}
    figures |= {"other_kinds_refused": refused_others, "most_behind_s": round(max(ticks), 1), "caught_up_s": round(caught_up_s, 1)}
    figures |= {"newest_kept": len(newest), "replay_same": same}
    return good and same and told == thinned, figures


def is_quiet(redis: Redis, newest: dict[str, int]) -> bool:
    """Whether the newest fix of every vehicle is what is shown, and the last tick told of all that was thinned."""
    time.sleep(0.5)
    found: Any = redis.hgetall(fleet_key("fixes", FLEET))
    shown = {name.decode(): int(np.frombuffer(raw, FIX)["at_us"][0]) for name, raw in found.items()}
    return shown == newest


def loop(loud: bool, seconds: int = 60, vehicles: int = 1_000) -> tuple[list[tuple[str, str]], list[float]]:
    """A plain loop over stretches of 100 ms: the events about all but the loud vehicle, and how long stretches took."""
    fleets, events, took_s = Fleets(lambda _: SETTINGS), list[tuple[str, str]](), list[float]()
    start_us, state, position = 1_760_000_000_000_000, fleets.open(FLEET), 0
    for tenth in range(seconds * 10):
        at_us = start_us + 100_000 * tenth
        at = instant(at_us)
        said = list(plans(FLEET, 200, STOPS, start_us)) if tenth == 0 else []
        for v in range(tenth % 10, vehicles, 10):
            said.append(encode(Ping(fleet_id=FLEET, vehicle_id=f"v{v:05d}", at=at, lat=40.0 + 0.003 * v, lon=10.0 + 1e-5 * tenth)))
        for i in range(10 if loud else 0):
            soon = instant(at_us + 10_000 * i)
            said.append(encode(Ping(fleet_id=FLEET, vehicle_id="loud", at=soon, lat=39.0, lon=10.0 + 1e-7 * (10 * tenth + i))))
        if tenth % 100 == 0:
            said.append(encode(Tick(fleet_id=FLEET, at=instant(at_us))))
        entries = [Entry(position + i, at_us, raw) for i, raw in enumerate(said)]
        position += len(entries)
        (batch,) = read_entries(SETTINGS.judge, entries)
        began_s = time.perf_counter()
        applied = fleets.step(state, batch)
        took_s.append(time.perf_counter() - began_s)
        told = [msgspec.json.decode(event.payload) for event in applied.events] if applied else []
        events += [(one["id"], repr(one["data"])) for one in told if one["data"].get("vehicle_id") != "loud"]
    return events, took_s


def main() -> int:
    """Both."""
    args = arguments(__doc__, seconds=75, rate=120_000, vehicles=20_000)
    quiet, alone_s = loop(False)
    crowded, took_s = loop(True)
    good, figures = live(args.seconds, args.rate, args.vehicles, args.seed)
    figures |= {"others_of_a_100_hz_vehicle_same": quiet == crowded, "events_of_others": len(quiet)}
    figures |= {"stretch_ms_p99_without": round(1e3 * float(np.quantile(alone_s, 0.99)), 1)}
    figures |= {"with": round(1e3 * float(np.quantile(took_s, 0.99)), 1), "mean_without": round(1e3 * float(np.mean(alone_s)), 1)}
    figures |= {"mean_with": round(1e3 * float(np.mean(took_s)), 1)}
    return result("past capacity", good=good and quiet == crowded and len(quiet) > 100, **figures)


if __name__ == "__main__":
    raise SystemExit(main())
