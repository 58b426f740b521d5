"""Models never turn NaN: extreme values that the judge accepts teach them, weights are spoilt on purpose, and every estimate stays finite.

    python benchmarks/reliability/model_nan.py [--seed N] [--messages 60000] [--spoilt 20]

Vehicles drive fuzzed plans (poles, the antimeridian, service times of a day, windows from 2000 to 2099) with fuzzed fixes and statuses, in
order, so that legs, stays and arrivals are learned from. Now and then learned weights are overwritten with NaN and infinity, as a bug or a
bad bit would: each time the model must go back to good weights by itself and say so (`model_reset`).
"""

import math
import random

import numpy as np
from fuzzed import Fuzz
from harness import arguments, result

from eta_models.model import EtaModel
from stream import messages as m
from stream.apply import Applied, apply
from stream.codec import encode
from stream.fleet import FleetState
from stream.intake import Entry, read_entries
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.settings import FleetSettings

SETTINGS = FleetSettings()
FLEET = "extreme"

PARTS = 3
"""Models that are spoilt at once."""


class Days:
    """Vehicles on extreme routes that do arrive: each stop is reached by a fix, or the driver says so."""

    def __init__(self, seed: int) -> None:
        self.fuzz, self.turn, self.lines = Fuzz(seed, (FLEET,), 1.0), 0, list[tuple[int, m.AnyMessage]]()

    def route(self) -> None:
        """One route from its plan to its end."""
        fuzz, draw, name = self.fuzz, self.fuzz.draw, f"v{self.turn % 8}"
        base, self.turn = {"fleet_id": FLEET, "vehicle_id": name, "route_id": f"r{self.turn}"}, self.turn + 1
        stops = [fuzz.stop() for _ in range(draw.choice((1, 3, 8)))]
        if draw.random() < 0.7:  # near enough to each other to be driven
            lat, lon = draw.choice((89.99, -89.99, 42.9, 0.002)), draw.choice((179.99, -180.0, 0.002, -78.9))
            stops = [near(stop, lat, lon, k) for k, stop in enumerate(stops)]
        self.say(m.RoutePublished(at=self.at(), stops=stops, **base))
        self.say(m.RouteStarted(at=self.at(), **base))
        for stop in stops:
            fuzz.now_us += draw.choice((0, 1, 1_000_000, 60_000_000, 600_000_000, 20_000_000_000))
            if draw.random() < 0.8:
                odd = {"speed_mps": fuzz.number(0.0, 100.0), "accuracy_m": fuzz.number(0.0, 500.0)}
                self.say(m.Ping(at=self.at(), fleet_id=FLEET, vehicle_id=name, lat=stop.lat, lon=stop.lon, **odd))
            kind = draw.choice((m.StopArrived, m.StopDeparted, m.StopCompleted, m.StopFailed, None))
            if kind is not None:
                self.say(kind(at=self.at(draw.choice((0, 0, 86_000_000_000))), stop_id=stop.stop_id, **base))
            self.say(m.Tick(fleet_id=FLEET, at=self.at()))
        self.say(m.RouteEnded(at=self.at(), **base))

    def at(self, age_us: int = 0) -> object:
        """The time now, or that long ago."""
        return instant(self.fuzz.now_us - age_us)

    def say(self, message: m.AnyMessage) -> None:
        """One message of the log."""
        self.lines.append((self.fuzz.now_us, message))
        self.fuzz.now_us += 1_000_000


def near(stop: PlannedStop, lat: float, lon: float, k: int) -> PlannedStop:
    """The same stop a kilometre or so from the one before."""
    fields = {name: getattr(stop, name) for name in stop.__struct_fields__}
    return PlannedStop(**{**fields, "lat": lat + 0.0009 * k * (-1 if lat > 0 else 1), "lon": lon, "radius_m": 60.0})


def spoil(draw: random.Random, model: EtaModel) -> None:
    """A learned model of each part as a bug would leave them."""
    for one in (model.correction.models[-1], model.spread.model, model.lateness.models[-1]):
        one.intercept = draw.choice((math.nan, math.inf, -math.inf))


def odd(applied: Applied) -> int:
    """Estimates of a stretch that are not numbers in order, or further off than a year."""
    rows = applied.estimates
    wrong = ~((rows["made_us"] <= rows["p10_us"]) & (rows["p10_us"] <= rows["p50_us"]) & (rows["p50_us"] <= rows["p90_us"]))
    wrong |= rows["p90_us"] > rows["made_us"] + 366 * 86_400_000_000
    wrong |= (rows["p_late"] < 0) | (rows["p_late"] > 1) | np.isinf(rows["p_late"])
    return int(wrong.sum())


def main() -> int:
    """Drive, spoil, look."""
    args = arguments(__doc__, messages=60_000, spoilt=20)
    days, state, estimates, wrong, told = Days(args.seed), FleetState(FLEET, EtaModel(SETTINGS.model)), 0, 0, 0
    draw, position, spoilt = random.Random(args.seed), 0, 0
    while position < args.messages:
        days.route()
        entries = [Entry(position + i, at_us, encode(message)) for i, (at_us, message) in enumerate(days.lines)]
        days.lines.clear()
        position += len(entries)
        for batch in read_entries(SETTINGS.judge, entries):
            applied = apply(SETTINGS, state, batch)
            estimates, wrong = estimates + len(applied.estimates), wrong + odd(applied)
            told += sum(event.kind == "model_reset" for event in applied.events)
        if spoilt < args.spoilt * position // args.messages and state.model.resets == PARTS * spoilt:
            spoil(draw, state.model)
            spoilt += 1
    model = state.model
    learned = [model.correction.weights, model.lateness.weights, model.correction.loss, model.legs.fleet, model.legs.table.mean_s]
    finite = all(np.isfinite(array).all() for array in learned)
    resets_due = {PARTS * spoilt, PARTS * (spoilt - 1)}  # the last ones may still wait for something to be learned
    good = not wrong and finite and estimates > position // 10 and model.resets in resets_due and told > 0 and spoilt >= args.spoilt // 2
    return result(
        "models never turn NaN", good=good, messages=position, estimates=estimates, not_finite_or_out_of_order=wrong, spoilt=PARTS * spoilt,
        resets=model.resets, events_model_reset=told, learned_tables_finite=finite, legs=int(model.legs.table.count),
        accepted=state.received - sum(state.refused.values()),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
