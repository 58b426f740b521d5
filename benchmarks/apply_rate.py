"""What a ping costs from its bytes to the fleet's new state, as a multiple of decoding it: both timed in this process, in turn.

    python benchmarks/apply_rate.py [--vehicles 2000] [--stops 40] [--pings 200000] [--batch 1000]

Synthetic: vehicles on straight routes, a fix every 5 s each, ticks every 10 s. Prints microseconds a ping and the ratio; ratios
travel between machines, microseconds do not.
"""

import argparse
import time

import msgspec
import numpy as np

from eta_models.model import EtaModel
from stream.apply import apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import Ping, RoutePublished, RouteStarted, Tick
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.settings import FleetSettings

START_US = 1_700_000_000_000_000
STEP_US = 5_000_000


def opening(vehicles: int, stops: int) -> list[Entry]:
    """A route for every vehicle: stops 500 m apart, each vehicle on its own parallel."""
    entries = []
    for v in range(vehicles):
        name, at = f"v{v:05d}", instant(START_US)
        planned = [
            PlannedStop(
                stop_id=f"s{v}-{k}",
                lat=40.0 + (0.01 * v) % 20,
                lon=10.0 + 0.0059 * (k + 1),
                seq=k,
                planned_arrival=instant(START_US + (k + 1) * 55_000_000),
            )
            for k in range(stops)
        ]
        for message in (
            RoutePublished(fleet_id="bench", at=at, route_id=f"r{v}", vehicle_id=name, stops=planned),
            RouteStarted(fleet_id="bench", at=at, route_id=f"r{v}", vehicle_id=name),
        ):
            entries.append(Entry(len(entries), START_US, encode(message)))
    return entries


def driving(vehicles: int, pings: int, position: int) -> list[Entry]:
    """Fixes of all vehicles in turn, at about 9 m/s with 5 m of noise."""
    noise = np.random.default_rng(1).normal(0.0, 4e-5, size=(pings, 2)).tolist()
    entries = []
    for i in range(pings):
        step, v = divmod(i, vehicles)
        now_us = START_US + (step + 1) * STEP_US + v * STEP_US // vehicles
        lat, lon = 40.0 + (0.01 * v) % 20 + noise[i][0], 10.0 + 0.00053 * (step + 1) + noise[i][1]
        ping = Ping(fleet_id="bench", at=instant(now_us), vehicle_id=f"v{v:05d}", lat=lat, lon=lon, speed_mps=9.0)
        entries.append(Entry(position + len(entries), now_us, encode(ping)))
        if v == vehicles - 1 and step % 2:
            entries.append(Entry(position + len(entries), now_us, encode(Tick(fleet_id="bench", at=instant(now_us)))))
    return entries


def main() -> None:
    """Time both, print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--vehicles", 2000), ("--stops", 40), ("--pings", 200_000), ("--batch", 1000)):
        parser.add_argument(name, type=int, default=default)
    args = parser.parse_args()
    settings = FleetSettings()
    state = FleetState("bench", EtaModel(settings.model))
    first = opening(args.vehicles, args.stops)
    for batch in read_entries(settings.judge, first):
        apply(settings, state, batch)
    entries = driving(args.vehicles, args.pings, len(first))
    bare, whole, timed = 0.0, 0.0, 0
    decoder = msgspec.json.Decoder(Ping | Tick)
    for at in range(0, len(entries), args.batch):
        part = entries[at : at + args.batch]
        started = time.process_time()
        for entry in part:
            decoder.decode(entry.payload)
        middle = time.process_time()
        for batch in read_entries(settings.judge, part):
            apply(settings, state, batch)
        if 2 * at >= len(entries):  # the first half only warms up: every first ETA is an event
            bare, whole, timed = bare + middle - started, whole + time.process_time() - middle, timed + len(part)
    print(f"{args.vehicles} vehicles x {args.stops} stops, {args.pings:,} pings, batches of {args.batch}")
    print(f"bare decode {1e6 * bare / timed:.2f} us, decode to state {1e6 * whole / timed:.2f} us a ping: {whole / bare:.1f} x")
    print(f"{timed / whole:,.0f} pings/s")


if __name__ == "__main__":
    main()
