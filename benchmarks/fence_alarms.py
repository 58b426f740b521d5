"""False alarms of fences: the same noisy fixes through the engine, and through the rules that others use.

    python benchmarks/fence_alarms.py [--runs 100] [--every 5 15 30 60]

The scenario: a circle of 100 m. Vehicles parked 5 m inside its edge, and at its centre, for an hour; past it, 5 m outside its edge;
straight through it at 15 m/s; and a stop of three minutes at its centre, coming and going at 10 m/s. Fixes are off by 8 m (AR(1) with
30 s, on both axes), and one in a hundred is thrown off by 150 to 400 m. They say that they are good to 10 m, the thrown ones too.

Everything of "engine" is the product: messages through the codec, `stream.apply.apply` over the log, its events read. An event is
false when a parked vehicle gives it after its first `entered`, or one that passes outside gives it. `dwelled` is not counted.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from eta_models.model import EtaModel
from geofences.positions import METRES_PER_DEGREE
from stream.apply import apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.messages import FencePut, Ping
from stream.moments import instant, micros
from stream.settings import FleetSettings

START_US = 1_700_000_000_000_000
LAT, LON, RADIUS_M, CORNERS = 40.0, -75.0, 100.0, 256
SIGMA_M, TAU_S, OUTLIERS, ACCURACY_M = 8.0, 30.0, 0.01, 10.0
METRES_EAST = METRES_PER_DEGREE * float(np.cos(np.radians(LAT)))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """What one vehicle does: where it really is at a second, and when it really crosses the edge."""

    at: Callable[[Floats], tuple[Floats, Floats]]
    seconds: float
    crossings: tuple[float, ...] = ()


@dataclass(frozen=True)
class Fixes:
    """What its device says."""

    at_s: Floats
    x: Floats
    y: Floats


Crossing = tuple[str, float, float]
"""Entered or exited, when it happened, when it was known (seconds)."""


def parked(x_m: float) -> Track:
    """An hour at one place."""
    return Track(lambda t: (np.full(len(t), x_m), np.zeros(len(t))), 3600.0)


def straight(past_m: float, speed_mps: float) -> Track:
    """Along a line that keeps so far from the centre, from 2 km before to 2 km behind."""
    half = np.sqrt(max(RADIUS_M**2 - past_m**2, 0.0))
    crossings = tuple((2000.0 + side * half) / speed_mps for side in (-1, 1)) if half else ()
    return Track(lambda t: (speed_mps * t - 2000.0, np.full(len(t), past_m)), 4000.0 / speed_mps, crossings)


def stop(speed_mps: float = 10.0, stay_s: float = 180.0) -> Track:
    """To the centre from 1.5 km, a stay, and on for 1.5 km."""
    there = 1500.0 / speed_mps

    def at(t: Floats) -> tuple[Floats, Floats]:
        return np.where(t < there, t - there, np.maximum(t - there - stay_s, 0.0)) * speed_mps, np.zeros(len(t))

    edge = RADIUS_M / speed_mps
    return Track(at, 2 * there + stay_s, (there - edge, there + stay_s + edge))


TRACKS = {
    "parked 5 m inside the edge": parked(RADIUS_M - 5.0),
    "parked at the centre": parked(0.0),
    "past, 5 m outside": straight(RADIUS_M + 5.0, 10.0),
    "through at 15 m/s": straight(0.0, 15.0),
    "stop of 3 min": stop(),
}


def observe(track: Track, every_s: float, rng: np.random.Generator) -> Fixes:
    """The fixes of one run; the first comes at a random moment of the first interval."""
    at_s = np.arange(rng.uniform(0.0, every_s), track.seconds, every_s)
    keeps = np.exp(-every_s / TAU_S)
    noise = rng.normal(0.0, SIGMA_M, (2, len(at_s)))
    for i in range(1, len(at_s)):
        noise[:, i] = keeps * noise[:, i - 1] + np.sqrt(1.0 - keeps**2) * noise[:, i]
    thrown = rng.uniform(size=len(at_s)) < OUTLIERS
    angle, far = rng.uniform(0.0, 2.0 * np.pi, len(at_s)), rng.uniform(150.0, 400.0, len(at_s)) * thrown
    x, y = track.at(at_s)
    return Fixes(at_s, x + noise[0] + far * np.cos(angle), y + noise[1] + far * np.sin(angle))


def engine(runs: list[Fixes]) -> list[list[Crossing]]:
    """Every run is a vehicle of one fleet with one fence."""
    turn = np.linspace(0.0, 2.0 * np.pi, CORNERS + 1)
    ring = [[LON + RADIUS_M * math.cos(a) / METRES_EAST, LAT + RADIUS_M * math.sin(a) / METRES_PER_DEGREE] for a in turn[:-1].tolist()]
    yard = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    said = [(0.0, FencePut(fleet_id="f", at=instant(START_US), fence_id="yard", geometry=yard))]
    for number, fixes in enumerate(runs):
        for at_s, x, y in zip(fixes.at_s.tolist(), fixes.x.tolist(), fixes.y.tolist(), strict=True):
            place = {"lat": LAT + y / METRES_PER_DEGREE, "lon": LON + x / METRES_EAST, "accuracy_m": ACCURACY_M}
            said.append((at_s, Ping(fleet_id="f", at=instant(START_US + round(at_s * 1e6)), vehicle_id=f"{number}", **place)))
    said.sort(key=lambda one: one[0])
    entries = [Entry(i, START_US + round(at_s * 1e6), encode(message)) for i, (at_s, message) in enumerate(said)]
    settings = FleetSettings()
    state, found = FleetState("f", EtaModel(settings.model)), [list[Crossing]() for _ in runs]
    for batch in (batch for first in range(0, len(entries), 1000) for batch in read_entries(settings.judge, entries[first : first + 1000])):
        for event in apply(settings, state, batch).events:
            if event.kind in {"geofence_entered", "geofence_exited"}:
                told = msgspec.json.decode(event.payload)
                moments = (msgspec.convert(text, type(instant(0))) for text in (told["time"], told["data"]["detected_at"]))
                occurred_s, detected_s = ((micros(moment) - START_US) / 1e6 for moment in moments)
                found[int(told["data"]["vehicle_id"])].append((event.kind[9:], occurred_s, detected_s))
    return found


def toggles(inside: Iterator[tuple[float, bool | None]]) -> list[Crossing]:
    """Events of a rule that says of each fix inside, outside or nothing; what it says is told at once, as of that moment."""
    state, found = False, []
    for at_s, says in inside:
        if says is not None and says != state:
            state = says
            found.append(("entered" if says else "exited", at_s, at_s))
    return found


def raw_edge(fixes: Fixes) -> Iterator[tuple[float, bool | None]]:
    """Inside is inside: Traccar, Fleetbase, Tile38."""
    yield from zip(fixes.at_s.tolist(), (np.hypot(fixes.x, fixes.y) <= RADIUS_M).tolist(), strict=True)


def accuracy_sum(fixes: Fixes) -> Iterator[tuple[float, bool | None]]:
    """Fixes that moved by less than both accuracies are passed over: AWS."""
    x = y = np.inf
    for at_s, new_x, new_y in zip(fixes.at_s.tolist(), fixes.x.tolist(), fixes.y.tolist(), strict=True):
        moved = not np.hypot(new_x - x, new_y - y) < 2 * ACCURACY_M
        if moved:
            x, y = new_x, new_y
        yield at_s, bool(np.hypot(new_x, new_y) <= RADIUS_M) if moved else None


def exit_buffer(fixes: Fixes) -> Iterator[tuple[float, bool | None]]:
    """Outside is 30 m outside: the advice to Tile38's users."""
    for at_s, off_m in zip(fixes.at_s.tolist(), np.hypot(fixes.x, fixes.y).tolist(), strict=True):
        yield at_s, True if off_m <= RADIUS_M else False if off_m > RADIUS_M + 30.0 else None


def dwell_60s(fixes: Fixes) -> Iterator[tuple[float, bool | None]]:
    """What has been so for a minute is so: traccar#6019, tile38#816."""
    was, since_s = None, 0.0
    for at_s, inside in raw_edge(fixes):
        if inside != was:
            was, since_s = inside, at_s
        yield at_s, inside if at_s - since_s >= 60.0 else None


OTHERS = {"raw edge": raw_edge, "accuracy sum": accuracy_sum, "30 m exit buffer": exit_buffer, "60 s dwell": dwell_60s}


def parked_line(name: str, found: list[list[Crossing]]) -> str:
    """How many events are not the first `entered`, by hour."""
    false = sum(len(run) - (run[:1] != [] and run[0][0] == "entered") for run in found)
    missed = sum(not run or run[0][0] != "entered" for run in found)
    return f"{name}: {false / len(found):8.2f} false events an hour, {missed} never entered"


def passing_line(name: str, found: list[list[Crossing]]) -> str:
    """How many events each vehicle gave that was never inside."""
    return f"{name}: {sum(map(len, found)) / len(found):8.2f} events a vehicle, all false"


def true_line(name: str, found: list[list[Crossing]], crossings: tuple[float, ...], every_s: float) -> str:
    """What became of true crossings: an event counts for one if it happened within two minutes of it."""
    missed, extra, late, off = 0, 0, list[float](), list[float]()
    for run in found:
        left = list(run)
        for kind, at_s in zip(("entered", "exited"), crossings, strict=True):
            near = [crossing for crossing in left if crossing[0] == kind and abs(crossing[1] - at_s) <= 120.0]
            if not near:
                missed += 1
                continue
            one = min(near, key=lambda crossing: abs(crossing[1] - at_s))
            left.remove(one)
            late.append(one[2] - at_s)
            off.append(abs(one[1] - at_s))
        extra += len(left)
    if not late:
        return f"{name}: missed all of {2 * len(found)}"
    within = np.mean(np.array(off) <= every_s)
    return (
        f"{name}: missed {missed} of {2 * len(found)}, extra {extra}; "
        f"known after {np.mean(late):5.1f} s (P95 {np.percentile(late, 95):5.1f}); "
        f"occurred_at off by {np.median(off):4.1f} s (max {max(off):5.1f}), within one ping {100 * within:.1f} %"
    )


def main() -> None:
    """Every track at every interval, through every rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--every", type=float, nargs="+", default=[5.0, 15.0, 30.0, 60.0])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for every_s in args.every:
        print(f"\na fix every {every_s:g} s, {args.runs} runs each")
        for title, track in TRACKS.items():
            rng = np.random.default_rng([args.seed, round(every_s), *title.encode()])
            runs = [observe(track, every_s, rng) for _ in range(args.runs)]
            print(f"  {title}")
            answers = {name: [toggles(rule(fixes)) for fixes in runs] for name, rule in OTHERS.items()} | {"engine": engine(runs)}
            for name, found in answers.items():
                label = f"    {name:16s}"
                if title.startswith("parked"):
                    print(parked_line(label, found))
                elif track.crossings:
                    print(true_line(label, found, track.crossings, every_s))
                else:
                    print(passing_line(label, found))


if __name__ == "__main__":
    main()
