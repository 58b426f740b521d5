"""Writes docs/messages.md from the code: every message and its fields, every reason code, every event."""

import importlib
import importlib.util
import json
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from stream.codec import TYPES
from stream.moments import Moment
from stream.planned_stop import PlannedStop
from stream.proof_of_delivery import ProofOfDelivery
from stream.proposals import Handing, Proposal, RouteChange, VehicleOutlook, VisitOutlook, WindowOffer
from stream.question_messages import Supposition
from stream.reasons import Reason
from stream.road_messages import RoadTime
from stream.texts import ID_PATTERN

PAGE = Path(__file__).with_name("messages.md")

PARTS: dict[str, type[msgspec.Struct]] = {
    "planned stop": PlannedStop,
    "proof of delivery": ProofOfDelivery,
    "proposal": Proposal,
    "route change": RouteChange,
    "window offer": WindowOffer,
    "handing": Handing,
    "visit outlook": VisitOutlook,
    "vehicle outlook": VehicleOutlook,
    "supposition": Supposition,
    "road time": RoadTime,
}
COMMON = ("fleet_id", "at")

INTRO = f"""# Messages

<!-- Written by docs/generate_messages.py (`make docs`) from stream/messages.py, stream/reasons.py and stream/events.py. Do not edit. -->

One message is one JSON object in UTF-8: at most 4,096 bytes for a ping, 1 MiB for anything else, nested at most 32 deep. Fields that are
not listed here are refused. Fields in **bold** are required.

- An *id* matches `{ID_PATTERN}`.
- A *moment* is RFC 3339 with an offset, or whole milliseconds since 1970 UTC. Local time without an offset is refused.
- A *text* has up to 256 characters, a *link* up to 2,048, without NUL.
- Latitude and longitude are WGS 84 degrees; geometries are GeoJSON, longitude first. Nothing is clamped into its range.
"""

# Field, or "message.field" where a name means something else there: unit or range, meaning, example.
FIELDS: dict[str, tuple[str, str, object]] = {
    "fleet_id": ("id", "The fleet to whose log the message belongs.", "nfta"),
    "at": ("moment", "When the fact happened; at most 120 s after it is received.", "2025-10-09T08:53:20Z"),
    "vehicle_id": ("id", "The vehicle.", "bus-1234"),
    "lat": ("degrees, -90..90", "Latitude.", 42.886447),
    "lon": ("degrees, -180..180", "Longitude.", -78.878369),
    "speed_mps": ("m/s, 0..100", "Speed over ground; outside the range it is dropped and the position kept.", 8.4),
    "heading_deg": ("degrees, 0..360", "Course from true north, clockwise; outside the range it is dropped and the position kept.", 270.5),
    "accuracy_m": ("m, 0..500", "Radius within which the device believes itself to be.", 5.0),
    "ping.seq": ("64 bits", "The device's own counter; tells a retry from a new fix.", 123),
    "stop_id": ("id", "The place; it may occur more than once on a route.", "stop-7"),
    "visit_id": ("id", "The visit; by default the route and the position at which the visit was first published.", "visit-7"),
    "seq": ("64 bits", "Position in the route.", 1),
    "planned stop.kind": ("pickup, delivery, hub, break, handover", "What is done there.", "delivery"),
    "radius_m": ("m, 5..5,000", "Who is nearer than this has arrived.", 60.0),
    "planned_arrival": ("moment", "When the plan has the vehicle there.", "2025-10-09T09:30:00Z"),
    "window_start": ("moment", "Not before.", "2025-10-09T09:00:00Z"),
    "window_end": ("moment", "Not after. Null takes this side away.", "2025-10-09T10:00:00Z"),
    "service_s": ("s, 0..86,400", "How long the work there is planned to take.", 180.0),
    "priority": ("64 bits", "The planner's own rank of the visit; 0 is ordinary.", 0),
    "load": ("units of the plan, from 0", "What it takes of the vehicle's capacity.", 12.0),
    "planned stop.skills": ("up to 2,000 texts", "What the vehicle must have to serve it.", ["cooling"]),
    "order_ref": ("id", "The order, passed through everywhere.", "order-88121"),
    "customer_ref": ("id", "The customer, passed through everywhere.", "customer-17"),
    "metadata": ("up to 16 texts", "Anything else, passed through everywhere.", {"dock_door": "B"}),
    "route_id": ("id", "The route: one vehicle's ordered stops.", "route-5"),
    "plan_version": ("64 bits", "Counts up with each new version of the route; older ones are `stale_plan`.", 1),
    "stops": ("1..500 planned stops", "The visits in the order in which they shall be made.", [{"$part": "planned stop"}]),
    "stop": ("planned stop", "The visit that joins.", {"$part": "planned stop"}),
    "before_visit_id": ("id", "The visit before which it is put; without it, the end.", "visit-8"),
    "proof": ("proof of delivery", "Who took it, where and when.", {"$part": "proof of delivery"}),
    "recipient": ("text", "Who took it.", "M. Keller"),
    "photo_uri": ("link", "Where the photo is kept.", "https://photos.example/7.jpg"),
    "photo_sha256": ("64 hex digits", "SHA-256 of the photo.", "9f" * 32),
    "signature_uri": ("link", "Where the signature is kept.", "https://photos.example/7.svg"),
    "signature_sha256": ("64 hex digits", "SHA-256 of the signature.", "a0" * 32),
    "model_sha256": (
        "64 hex digits",
        "SHA-256 of the model file (`fleetcast-replay models show` begins with its first digits).",
        "9f" * 32,
    ),
    "part": ("0..799", "Which piece of the file.", 0),
    "parts": ("1..800", "How many pieces there are.", 1),
    "content_base64": ("up to 65,536 characters", "The bytes of the piece (40,000 of the file each).", "RkxFRVQ="),
    "model_ref": ("id", "What the challenger is called.", "bolder"),
    "settings": (
        "numbers",
        "Settings with which it learns, by name; see docs/eta.md. Without any, those that it has.",
        {"learning_rate": 0.06},
    ),
    "keep": ("", "Whether the model that published so far goes on as the challenger.", True),
    "reason": ("text", "Why, in the sender's words.", "nobody home"),
    "to_route_id": ("id", "The route that takes the visit over.", "route-6"),
    "to_vehicle_id": ("id", "The vehicle that takes over.", "bus-1300"),
    "from_vehicle_id": ("id", "The vehicle that gives away.", "bus-1234"),
    "driver_id": ("id", "Who drives.", "driver-3"),
    "capacity": ("units of the plan, from 0", "What the vehicle can carry.", 120.0),
    "skills": ("up to 2,000 texts", "What the vehicle or its driver can do.", ["cooling"]),
    "shift_start": ("moment", "When the shift begins.", "2025-10-09T06:00:00Z"),
    "shift_end": ("moment", "When the shift ends; not before it begins.", "2025-10-09T14:00:00Z"),
    "loaded_visit_ids": ("up to 2,000 ids", "The visits whose goods are on board; null if not known.", ["visit-7"]),
    "duration_s": ("s, 0..86,400", "How long the break lasts.", 1800.0),
    "dock_id": ("id", "The dock.", "dock-2"),
    "fence_id": ("id", "The fence.", "yard"),
    "geometry": (
        "GeoJSON",
        "A Polygon or MultiPolygon; a Point with `radius_m`; a LineString or MultiLineString with `width_m`.",
        {"type": "Polygon", "coordinates": [[[-78.9, 42.8], [-78.8, 42.8], [-78.8, 42.9], [-78.9, 42.8]]]},
    ),
    "fence_put.kind": ("text", "What the fence is for.", "zone"),
    "name": ("text", "What people call it.", "Main yard"),
    "fence_put.radius_m": ("m, 5..100,000", "Of the circle around a Point; null for every other geometry.", None),
    "width_m": ("m, 5..20,000", "Of the corridor along a line, from side to side; null for every other geometry.", None),
    "tags": ("up to 2,000 texts", "What the vehicle belongs to; fences may be for some tags only.", ["cold chain"]),
    "fence_put.tags": ("up to 2,000 texts", "What the fence belongs to.", ["night"]),
    "valid_from": ("moment", "The fence holds from here; null: always has.", "2025-10-09T00:00:00Z"),
    "valid_until": ("moment", "It no longer holds from here; null: holds for ever.", "2025-12-24T00:00:00Z"),
    "vehicle_ids": (
        "up to 2,000 ids",
        "Vehicles it is for, besides those with one of `vehicle_tags`; if neither: all.",
        ["bus-1234"],
    ),
    "vehicle_tags": ("up to 2,000 texts", "The tags of vehicles it is for.", ["cold chain"]),
    "planned_departure": ("moment", "When the route shall set out; null: not said.", "2025-10-09T09:00:00Z"),
    "load_by": ("moment", "When its load shall stand ready (`load_ready`).", "2025-10-09T08:40:00Z"),
    "wave_cutoff": ("moment", "After this it must not set out any more.", "2025-10-09T09:30:00Z"),
    "connects_to_visit_id": ("id", "The visit, of another vehicle, that carries on what is brought here.", "visit-9"),
    "to": ("text", "Who takes care of it.", "dispatcher-2"),
    "until": ("moment", "When changes are told again.", "2025-10-09T10:00:00Z"),
    "exception_noted.text": ("text", "The remark.", "customer called, will wait"),
    "policy_put.kind": ("text", "A kind of exceptions, as docs/exceptions.md lists them.", "stalled"),
    "fence_policy_put.kind": ("text", "A kind of fences: what their `kind` says.", "zone"),
    "fence_policy_put.fields": ("numbers and booleans by name", "As docs/geofences.md lists them, in their units.", {"exit_hold_s": 60.0}),
    "fields": ("numbers and booleans by name", "Fields of the kind's policy, in their units.", {"limit_s": 600.0}),
    "exception_id": ("id, up to 256", "The exception, as its event named it.", "nfta:late_risk:visit-7"),
    "behind_s": ("s, 0..86,400", "How long the first message that the engine had not read has been waiting.", 0.0),
    "by": ("text", "Who does it.", "dispatcher-1"),
}
MORE = importlib.util.spec_from_file_location("proposal_fields", Path(__file__).with_name("proposal_fields.py"))
if MORE is not None and MORE.loader is not None:
    PROPOSALS = importlib.util.module_from_spec(MORE)
    MORE.loader.exec_module(PROPOSALS)
    FIELDS |= PROPOSALS.FIELDS


def field_of(owner: str, name: str) -> tuple[str, str, object]:
    """Unit, meaning and example of a field; KeyError names a field that nobody has described."""
    return FIELDS[f"{owner}.{name}"] if f"{owner}.{name}" in FIELDS else FIELDS[name]


def example(owner: str, kind: type[msgspec.Struct]) -> dict[str, object]:
    """A whole example, every field given."""

    def filled(value: object) -> object:
        if isinstance(value, list):
            return [filled(part) for part in value]
        return example(value["$part"], PARTS[value["$part"]]) if isinstance(value, dict) and "$part" in value else value

    tag = {"type": owner} if owner in TYPES else {}
    return tag | {name: filled(field_of(owner, name)[2]) for name in kind.__struct_fields__}


def type_in_words(hint: object) -> str:
    """A type as people read it."""
    words = {
        str: "text",
        float: "number",
        int: "whole number",
        datetime: "moment",
        bool: "yes or no",
        **dict.fromkeys(PARTS.values(), "object"),
    }
    parts = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Annotated:
            return type_in_words(parts[0])
        case typing.Literal:
            return "word"
        case origin if origin in {typing.Union, types.UnionType}:
            if set(typing.get_args(Moment)) <= set(parts):
                return "moment"
            return type_in_words(next(part for part in parts if part is not type(None)))
        case origin if origin is list:
            return "list"
        case origin if origin is dict:
            return "object"
    return words[typing.cast("type", hint)]


def table(owner: str, kind: type[msgspec.Struct], names: tuple[str, ...]) -> Iterator[str]:
    """The fields `names` of a message as a table."""
    hints = typing.get_type_hints(kind, include_extras=True)
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    yield "| field | type | unit, range | meaning | example |\n|---|---|---|---|---|"
    for name in names:
        unit, meaning, shown = field_of(owner, name)
        title = f"**`{name}`**" if name in required else f"`{name}`"
        text = "see below" if "$part" in json.dumps(shown) else f"`{json.dumps(shown)}`"
        yield f"| {title} | {type_in_words(hints[name])} | {unit} | {meaning} | {text} |"
    yield ""


def sections() -> Iterator[str]:
    """The page, piece by piece."""
    first = next(iter(TYPES.values()))
    yield INTRO
    yield "## In\n\nEvery message has its `type` and these two fields; the tables below leave them out.\n"
    yield from table("message", first, COMMON)
    for owner, kind in (*TYPES.items(), *PARTS.items()):
        yield f"### `{owner}`\n" if owner in TYPES else f"### A {owner}\n"
        yield f"{kind.__doc__}\n"
        if names := tuple(name for name in kind.__struct_fields__ if name not in COMMON or owner in PARTS):
            yield from table(owner, kind, names)
        if owner in TYPES:
            yield f"```json\n{json.dumps(example(owner, kind))}\n```\n"
    yield "## Reasons\n\nWhy a message was not applied: the code in dead letters and counters. Codes are only ever added.\n"
    yield "| code | what was found | what to do |\n|---|---|---|"
    yield from (f"| `{reason}` | {reason.meaning} | {reason.remedy} |" for reason in Reason)
    yield "\n## Out\n\nEvents leave as CloudEvents 1.0 JSON. An id is made of what the event is about: repeated, it is the same.\n"
    yield from events()


def events() -> Iterator[str]:
    """The table of `EVENTS` (type -> meaning) in stream/events.py; nothing where there is none."""
    found = importlib.util.find_spec("stream.events") and getattr(importlib.import_module("stream.events"), "EVENTS", None)
    if found:
        yield "| type | meaning |\n|---|---|"
        yield from (f"| `{name}` | {meaning} |" for name, meaning in found.items())


def page() -> str:
    """The whole text of docs/messages.md."""
    return "\n".join(sections()).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
