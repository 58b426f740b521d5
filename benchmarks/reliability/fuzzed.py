"""Fuzzed inputs from a seed: messages with the strangest values that pass the judge, broken ones, and bytes that are no message at all."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from stream import messages as m
from stream.codec import TYPES, encode
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposals import Handing, Proposal, RouteChange, WindowOffer
from stream.question_messages import Supposition
from stream.road_messages import RoadTime

DAY_US = 86_400_000_000
LATS = (90.0, -90.0, 89.999999, 0.0, 0.0011, -0.0011, 42.9, 42.9001, 42.95)
LONS = (180.0, -180.0, 179.999999, -179.999999, 0.0011, -78.9, -78.8999, -78.85)
WHOLE = (0, 1, -1, 2**63 - 1, -(2**63), 2**31, 7)
NUMBERS = (b"0", b"-0.0", b"1e308", b"-1e308", b"1e-320", b"1e999", b"NaN", b"-Infinity", b"18446744073709551616", b"9" * 400, b"01")
OTHERS = (b"null", b"true", b'""', b'"\\ud800"', b'"\\u0000"', b"[]", b"{}", b"[" * 40 + b"]" * 40, b'"' + b"x" * 3_000 + b'"', b'"\xff"')
VALUES = (*NUMBERS, *OTHERS)
TEXTS = ("v1", "a:b", "x" * 64, "x" * 65, "", "a b", "\U0001f600", "v1\0", "../v", "NaN")
JUNK = (b"", b" ", b"{", b"null", b"[]", b'"ping"', b"\x00" * 8, b"\xff\xfe{", b'{"type":"ping"}' * 2, b"{}" * 5_000, b"*3\r")


@dataclass
class Fuzz:
    """Draws inputs; `now_us` moves on by itself. Ids come from small sets, so that statuses meet plans."""

    seed: int
    fleets: tuple[str, ...] = ("fuzz-a", "fuzz-b", "fuzz-c")
    valid: float = 0.6
    """Share of messages whose fields are all possible."""
    now_us: int = 1_760_000_000_000_000
    draw: random.Random = field(init=False)
    version: int = 0

    def __post_init__(self) -> None:
        """The generator."""
        self.draw = random.Random(self.seed)

    def one(self) -> tuple[str, int, bytes]:
        """Fleet, time of receipt in microseconds, and bytes without line ends."""
        self.now_us += self.draw.choice((0, 1, 1_000, 200_000, 1_000_000))
        fleet_id = self.draw.choice(self.fleets)
        payload = encode(self.message(fleet_id))
        if self.draw.random() >= self.valid:
            payload = self.broken(payload)
        return fleet_id, self.now_us, payload.replace(b"\n", b" ")

    def message(self, fleet_id: str) -> m.AnyMessage:
        """A message that passes the judge, whatever it says."""
        draw, pick = self.draw, self.draw.random()
        kind = m.Ping if pick < 0.6 else m.Tick if pick < 0.65 else draw.choice(list(TYPES.values()))
        values: dict[str, object] = {"fleet_id": fleet_id, "at": self.at(kind)}
        for name in kind.__struct_fields__:
            if name not in values and (name in REQUIRED[kind] or draw.random() < 0.5):
                values[name] = MADE.get(f"{kind.__struct_config__.tag}.{name}", MADE[name])(self)
        if kind in (m.WindowChanged, m.VehiclePut, m.FencePut):
            values |= self.windows(kind)
        if issubclass(kind, m.VisitFact) and not {"visit_id", "stop_id"} & values.keys():
            values["stop_id"] = self.name("s")
        return msgspec.convert(values, kind)

    def at(self, kind: type) -> object:
        """When it happened: mostly just now, else as early or as late as is believed."""
        age_us = self.draw.choice((0, 0, 0, 0, 1_000_000, 30_000_000, 299_000_000, DAY_US - 10_000_000, -119_000_000))
        return instant(self.now_us - (0 if kind is m.Tick else age_us))

    def windows(self, kind: type) -> dict[str, object]:
        """Two times in order."""
        times = {m.WindowChanged: ("window_start", "window_end"), m.VehiclePut: ("shift_start", "shift_end")}
        names = times.get(kind, ("valid_from", "valid_until"))
        first, second = sorted((self.planned(), self.planned()))  # type: ignore[type-var]
        return dict(zip(names, (first, second), strict=True))

    def planned(self) -> object:
        """A time of a plan."""
        far = (946_684_800_000_000, 4_102_444_799_000_000 - DAY_US)
        return instant(self.draw.choice((*far, *(self.now_us + seconds * 1_000_000 for seconds in (-7_200, -1, 0, 60, 900, 7_200)))))

    def name(self, prefix: str) -> str:
        """One of a few ids."""
        return f"{prefix}{self.draw.randrange(8)}"

    def number(self, least: float, most: float) -> float:
        """Between two bounds, often one of them, or next to it."""
        edges = (least, most, math.nextafter(least, most), math.nextafter(most, least), 0.5 * (least + most))
        return self.draw.choice((*edges, self.draw.uniform(least, most)))

    def stop(self) -> PlannedStop:
        """A stop anywhere, with windows from 2000 to 2099."""
        draw = self.draw
        first, second = sorted((self.planned(), self.planned()))  # type: ignore[type-var]
        return PlannedStop(
            stop_id=self.name("s"), lat=draw.choice(LATS[4:]), lon=draw.choice(LONS), seq=draw.choice(WHOLE), priority=draw.choice(WHOLE),
            radius_m=self.number(5.0, 5_000.0), service_s=draw.choice((None, self.number(0.0, 86_400.0))), window_start=first,
            window_end=second, planned_arrival=draw.choice((None, self.planned())), order_ref=draw.choice((None, self.name("o"))),
            load=draw.choice((None, 0.0, 1e308)), skills=draw.choice(([], ["lift"])),
            connects_to_visit_id=draw.choice((None, self.name("v"))),
            metadata={f"k{i}": "x" * 256 for i in range(draw.choice((0, 0, 0, 16)))},
        )  # type: ignore[arg-type]  # fmt: skip

    def supposition(self) -> Supposition:
        """Anything that may be supposed, with fields that it does not need."""
        draw = self.draw
        change = draw.choice(("move", "window", "delay", "vehicle_out", "traffic", "reoptimise"))
        return Supposition(
            change=change, visit_id=_visit(self), vehicle_id=self.name("v"), to_vehicle_id=self.name("v"), lat=draw.choice(LATS[4:]),
            lon=draw.choice(LONS), radius_m=self.number(0.0, 1e308), delay_s=self.number(0.0, 86_400.0),
            factor=draw.choice((None, 0.1, 10.0)), vehicle_ids=[self.name("v")] * draw.choice((0, 1)),
        )  # fmt: skip

    def proposal(self) -> Proposal:
        """A visit, known or not, goes somewhere, with a stop that is new."""
        route, stop = self.name("r"), msgspec.structs.replace(self.stop(), visit_id=self.name("n"))
        before = [_visit(self)] * self.draw.choice((0, 1))
        order = [*before, str(stop.visit_id)]
        change = RouteChange(route_id=route, vehicle_id=self.name("v"), before_visit_ids=before, visit_ids=order, added=[stop])
        kind = self.draw.choice(("move", "another_day"))
        offer = WindowOffer(visit_id=_visit(self), order_ref=self.draw.choice((None, self.name("o"))))
        names = {"from_vehicle_id": self.name("v"), "to_vehicle_id": change.vehicle_id, "goods_visit_ids": before}
        goods = Handing(visit_id=str(stop.visit_id), lat=stop.lat, lon=stop.lon, **names)  # type: ignore[arg-type]
        until = instant(self.now_us + self.draw.choice((-1, 60_000_000, DAY_US)))
        return Proposal(
            number=1, kind=kind, windows=[offer] * (kind == "another_day"), handovers=[goods],
            changes=[msgspec.structs.replace(change, starts=self.draw.random() < 0.5)], visits=[], vehicles=[],
            drive_added_s=0.0, late_before_s=self.number(0.0, 1e308), late_after_s=0.0, saved_visit_ids=[], late_visit_ids=[],
            holds_until=until,
        )  # fmt: skip

    def fence(self) -> dict[str, object]:
        """A square: small, none, or over the edge of the map."""
        lat, lon, size = self.draw.choice(LATS[6:]), self.draw.choice(LONS), self.draw.choice((0.01, 0.0, 0.002))
        ring = [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]
        return {"type": self.draw.choice(("Polygon", "Polygon", "Point", "Nothing")), "coordinates": [ring]}

    def broken(self, payload: bytes) -> bytes:
        """The message with something wrong."""
        return self.draw.choice((self._bytes, self._value, self._cut, self._text, self._junk, self._repeat))(payload)

    def _bytes(self, payload: bytes) -> bytes:
        raw = bytearray(payload)
        for _ in range(self.draw.choice((1, 1, 2, 8))):
            raw[self.draw.randrange(len(raw))] = self.draw.randrange(256)
        return bytes(raw)

    def _value(self, payload: bytes) -> bytes:
        """One value is another: of the wrong type, infinite, too deep."""
        fields = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
        name = self.draw.choice(list(fields))
        parts = [b'"%b":%b' % (key.encode(), self.draw.choice(VALUES) if key == name else bytes(raw)) for key, raw in fields.items()]
        return b"{" + b",".join(parts) + b"}"

    def _cut(self, payload: bytes) -> bytes:
        begin, end = sorted((self.draw.randrange(len(payload)), self.draw.randrange(len(payload))))
        return payload[:begin] + payload[end:]

    def _text(self, payload: bytes) -> bytes:
        """An id or a text is one that may not be."""
        fields = msgspec.json.decode(payload)
        fields[self.draw.choice([*fields, "extra"])] = self.draw.choice(TEXTS)
        return msgspec.json.encode(fields)

    def _junk(self, payload: bytes) -> bytes:
        return self.draw.choice((*JUNK, self.draw.randbytes(self.draw.randrange(200)), payload + payload))

    def _repeat(self, payload: bytes) -> bytes:
        piece = payload[self.draw.randrange(len(payload)) :]
        return payload[:-1] + piece * self.draw.randrange(1, 4)


REQUIRED = {kind: {one.name for one in msgspec.structs.fields(kind) if one.required} for kind in TYPES.values()}


def _visit(fuzz: Fuzz) -> str:
    return f"{fuzz.name('r')}.{fuzz.draw.randrange(12)}"


NONE = ("window_start", "window_end", "shift_start", "shift_end", "proof", "valid_from", "valid_until", "actionable_until", "source")
MADE: dict[str, Callable[[Fuzz], object]] = {
    **dict.fromkeys(NONE, lambda _: None),
    "vehicle_id": lambda fuzz: fuzz.name("v"),
    **dict.fromkeys(("to_vehicle_id", "from_vehicle_id"), lambda fuzz: fuzz.name("v")),
    **dict.fromkeys(("route_id", "to_route_id"), lambda fuzz: fuzz.name("r")),
    "stop_id": lambda fuzz: fuzz.name("s"),
    "fence_id": lambda fuzz: fuzz.name("f"),
    "dock_id": lambda fuzz: fuzz.name("d"),
    "driver_id": lambda fuzz: fuzz.name("p"),
    "visit_id": _visit,
    "before_visit_id": _visit,
    "loaded_visit_ids": lambda fuzz: [_visit(fuzz)] * fuzz.draw.choice((0, 1, 2_000)),
    "skills": lambda fuzz: ["x" * 256] * fuzz.draw.choice((0, 1, 3)),
    "lat": lambda fuzz: fuzz.draw.choice(LATS[4:]),
    "lon": lambda fuzz: fuzz.draw.choice(LONS),
    "speed_mps": lambda fuzz: fuzz.number(0.0, 100.0),
    "heading_deg": lambda fuzz: fuzz.number(0.0, 360.0),
    "accuracy_m": lambda fuzz: fuzz.number(0.0, 500.0),
    "seq": lambda fuzz: fuzz.draw.choice(WHOLE),
    "stops": lambda fuzz: [fuzz.stop() for _ in range(fuzz.draw.choice((1, 2, 5, 12)))],
    "stop": Fuzz.stop,
    "plan_version": lambda fuzz: fuzz.draw.choice((1, 2, 3, 2**63 - 1, fuzz.draw.randrange(1, 10_000))),
    "geometry": Fuzz.fence,
    "radius_m": lambda fuzz: fuzz.draw.choice((None, 0.0, fuzz.number(1.0, 10_000.0))),
    "width_m": lambda fuzz: fuzz.draw.choice((None, fuzz.number(1.0, 1_000.0))),
    "tags": lambda fuzz: [fuzz.name("t")] * fuzz.draw.choice((0, 1, 3)),
    "vehicle_ids": lambda fuzz: [fuzz.name("v")] * fuzz.draw.choice((0, 0, 2)),
    "vehicle_tags": lambda fuzz: [fuzz.name("t")] * fuzz.draw.choice((0, 0, 1)),
    "duration_s": lambda fuzz: fuzz.number(0.0, 86_400.0),
    "behind_s": lambda fuzz: fuzz.draw.choice((0.0, 0.0, 1.0, 12.0, 30.0, 86_400.0)),
    "capacity": lambda fuzz: fuzz.draw.choice((None, 0.0, 1e308, 5e-324)),
    "exception_id": lambda fuzz: (
        f"{fuzz.draw.choice(fuzz.fleets)}:{fuzz.draw.choice(('late_risk', 'stop_failed', 'missed_stop'))}:{_visit(fuzz)}"
    ),
    "reason": lambda fuzz: fuzz.draw.choice((None, "", "x" * 256)),
    "kind": lambda fuzz: fuzz.draw.choice(("zone", "", "forbidden", "must_stay", "stalled", "late_risk")),
    "fields": lambda fuzz: fuzz.draw.choice(({}, {"on": False}, {"limit_s": 60.0}, {"open_at": 0.0})),
    "fence_policy_put.fields": lambda fuzz: fuzz.draw.choice(({}, {"passages": False}, {"exit_m": 0.0, "enter_fixes": 1})),
    "to": lambda _: "x" * 256,
    "text": lambda _: "\U0001f600",
    "until": lambda fuzz: fuzz.planned(),
    "planned_departure": lambda fuzz: fuzz.planned(),
    "load_by": lambda fuzz: fuzz.planned(),
    "wave_cutoff": lambda fuzz: fuzz.planned(),
    "name": lambda fuzz: fuzz.draw.choice((None, "\U0001f600")),
    "by": lambda _: "x" * 256,
    "made_for": lambda fuzz: fuzz.draw.choice(WHOLE),
    "proposals": lambda fuzz: [fuzz.proposal()] * fuzz.draw.choice((0, 1, 3)),
    "cell": lambda fuzz: fuzz.draw.choice(("872a100d2ffffff", "892a100d2c3ffff", "", "x")),
    "factor": lambda fuzz: fuzz.number(0.1, 10.0),
    "speeds_mps": lambda fuzz: [fuzz.draw.choice((None, 0.1, 8.0, 100.0)) for _ in range(24)],
    "legs": lambda fuzz: [RoadTime(from_stop_id=fuzz.name("s"), to_stop_id=fuzz.name("s"), duration_s=fuzz.number(0.0, 86_400.0))],
    "road_times": lambda _: "models",
    "question_id": lambda fuzz: fuzz.name("q"),
    "changes": lambda fuzz: [fuzz.supposition()] * fuzz.draw.choice((1, 3, 50)),
    "load_lat": lambda fuzz: fuzz.draw.choice((None, *LATS[4:])),
    "load_lon": lambda fuzz: fuzz.draw.choice((None, *LONS)),
    "most": lambda fuzz: fuzz.draw.choice((1, 20)),
    "model_sha256": lambda _: "9f" * 32,
    **dict.fromkeys(("part", "parts"), lambda fuzz: fuzz.draw.choice((0, 1, 2, *WHOLE))),
    "content_base64": lambda fuzz: fuzz.draw.choice(("", "AAAA", "no base64!", "A" * 60_000)),
    "model_ref": lambda fuzz: fuzz.name("m"),
    "settings": lambda fuzz: fuzz.draw.choice(({}, {"learning_rate": 0.1}, {"ask_every": 3.0}, {"x": 1e308})),
    "keep": lambda fuzz: fuzz.draw.choice((True, False)),
    "number": lambda fuzz: fuzz.draw.choice((1, 1, 2, 2**63 - 1)),
}
"""A possible value of each field."""
