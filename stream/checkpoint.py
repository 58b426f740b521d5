"""A fleet's state as bytes and back: versioned columns and tables, with a checksum; the log position is in it.

The log is the truth and a checkpoint a cache of it. Learned River objects travel pickled in `eta_models.envelope`, which loads nothing
but River's own classes. A checkpoint of another version, a cut one, or one with a wrong checksum is refused by name, never half loaded.
"""

import zlib
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from eta_models.contest import Named
from eta_models.legs import Legs
from eta_models.model import ModelPolicy
from eta_models.model_bytes import dump_model, load_model
from eta_models.model_settings import with_settings
from eta_models.speeds import Speeds
from geofences.fence_index import FenceIndex
from geofences.fences import Drawn, Fence, fence_of
from stream.contacts import Contacts
from stream.corridors import Corridors, Leg, Run
from stream.exceptions.table import Exceptions, SavedExceptions
from stream.fleet import Dropped, FleetState, Route, Truth, VehicleFacts, VisitNames
from stream.model_parts import Parts
from stream.open_proposals import OpenProposals, Settling
from stream.outputs import Numbered
from stream.pieces import in_pieces
from stream.saved_contest import SavedContest, load_contest, save_contest
from stream.slowed import Slowed, ToldSpeeds
from stream.vehicles import Vehicles
from stream.visits import Visits

VERSION = 6
_MAGIC = b"FLEETCAST-CHECKPOINT\n"
_SUM_BYTES = 16


class UnusableCheckpoint(ValueError):
    """The bytes are not a checkpoint that this version can load; the message says why. The log can rebuild the state."""


class _SavedFence(msgspec.Struct, frozen=True, array_like=True):
    """A fence as it was drawn; names as in `Fence`."""

    fence_id: str
    kind: str
    name: str | None
    drawn: Drawn
    tags: tuple[str, ...]
    valid_from_us: int
    valid_until_us: int
    vehicle_ids: tuple[str, ...]
    vehicle_tags: tuple[str, ...]


class _Saved(msgspec.Struct, frozen=True):
    """Everything of a `FleetState`; names as there."""

    version: int
    fleet_id: str
    numbers: dict[str, int]
    refused: dict[str, int]
    counted: dict[str, int]
    dropped: dict[str, Dropped]
    vehicles: dict[str, bytes]
    vehicle_ids: list[str]
    facts: dict[str, VehicleFacts]
    visits: dict[str, bytes]
    names: list[VisitNames]
    routes: list[Route]
    fences: list[_SavedFence]
    contacts: tuple[int, dict[str, bytes]]
    truths: list[Truth]
    recent: list[Numbered]
    speeds: tuple[list[int], bytes]
    exceptions: SavedExceptions
    corridors: tuple[dict[int, Leg], list[Run]]
    model: bytes
    faults: dict[str, int] = {}
    traffic: dict[int, Slowed] = {}
    slow: bytes = b""
    told_speeds: dict[int, ToldSpeeds] = {}
    told_roads: list[tuple[str, str, float]] = []
    failed: list[str] = []
    asked: dict[str, int] = {}
    proposals: dict[str, OpenProposals] = {}
    answers: list[bytes] = []
    settling: dict[str, Settling] = {}
    fence_told: dict[str, dict[str, float | bool]] = {}
    fence_told_us: dict[str, int] = {}
    named: Named = Named()
    contest: SavedContest | None = None
    parts: Parts = msgspec.field(default_factory=Parts)


_NUMBERS = (
    "now_us", "ticked_us", "position", "sequence", "estimates_made", "visit_numbers", "route_numbers", "received", "pings",
    "kept_late", "scalar_rows", "utc_offset_s", "behind_us", "thins", "thinned_told", "told", "untold", "model_changes", "beside_made",
    "began_there", "began_elsewhere",
)  # fmt: skip


Captured = dict[str, Any]
"""The fields of a checkpoint, held by nobody else."""


def dump(state: FleetState) -> bytes:
    """The whole state as bytes."""
    return seal(capture(state))


def seal(captured: Captured) -> bytes:
    """What `capture` gave as bytes, compressed and with its checksum; other threads get their turn in between."""
    press = zlib.compressobj(1)
    parts = [press.compress(piece) for piece in in_pieces(captured)]
    body = b"".join([*parts, press.flush()])
    return _MAGIC + blake2b(body, digest_size=_SUM_BYTES).digest() + body


def capture(state: FleetState) -> Captured:
    """The state as it is now, of which nothing changes any more: quick, because the flow waits for it. `seal` does the rest."""
    return {
        "version": VERSION,
        "fleet_id": state.fleet_id,
        "numbers": {name: getattr(state, name) for name in _NUMBERS},
        "refused": dict(state.refused),
        "counted": dict(state.counted),
        "dropped": dict(state.dropped),
        "vehicles": state.vehicles.dump(),
        "vehicle_ids": list(state.vehicle_ids),
        "facts": dict(state.facts),
        "visits": state.visits.dump(),
        "names": list(state.names),
        "routes": msgspec.Raw(msgspec.msgpack.encode(list(state.routes.values()))),  # they do change, and copies cost more
        "fences": [_saved_fence(fence) for fence in state.fences.values()],
        "contacts": (state.contacts.count, state.contacts.dump()),
        "truths": list(state.truths),
        "recent": list(state.recent),
        "speeds": state.speeds.dump(),
        "exceptions": state.exceptions.dump(),
        "corridors": msgspec.Raw(msgspec.msgpack.encode((state.corridors.legs, state.corridors.runs))),
        "model": dump_model(state.model),
        "faults": dict(state.faults),
        "traffic": dict(state.traffic),
        "told_speeds": dict(state.told_speeds),
        "told_roads": [(*stops, seconds) for stops, seconds in state.told_roads.items()],
        "slow": state.model.legs.slow.tobytes(),
        "failed": list(state.failed),
        "asked": dict(state.asked),
        "proposals": dict(state.proposals),
        "answers": list(state.answers),
        "settling": dict(state.settling),
        "fence_told": {kind: dict(fields) for kind, fields in state.fence_told.items()},
        "fence_told_us": dict(state.fence_told_us),
        "named": state.named,
        "contest": None if state.contest is None else msgspec.Raw(msgspec.msgpack.encode(save_contest(state.contest))),
        "parts": msgspec.structs.replace(state.parts, pieces=dict(state.parts.pieces)),
    }


def load(raw: bytes, policy: ModelPolicy) -> FleetState:
    """The state that `dump` wrote. Raises `UnusableCheckpoint`."""
    return _state(_open(raw), policy)


def remember(state: FleetState) -> bytes:
    """The state as it is now, for `recall` in this process."""
    return b"".join(in_pieces(capture(state)))


def recall(remembered: bytes, policy: ModelPolicy) -> FleetState:
    """The state that `remember` took."""
    return _state(msgspec.msgpack.decode(remembered, type=_Saved), policy)


def _state(saved: _Saved, policy: ModelPolicy) -> FleetState:
    state = FleetState(saved.fleet_id, load_model(saved.model, with_settings(policy, saved.named.settings)))
    state.named, state.parts = saved.named, saved.parts
    if saved.contest is not None:
        state.contest = load_contest(saved.contest, state.model, policy)
    for name, number in saved.numbers.items():
        setattr(state, name, number)
    state.refused, state.counted, state.dropped = saved.refused, saved.counted, saved.dropped
    state.facts, state.truths, state.recent, state.faults = saved.facts, saved.truths, saved.recent, saved.faults
    state.traffic, state.told_speeds = saved.traffic, saved.told_speeds
    for model in (state.model, *([state.contest.model] if state.contest is not None else [])):
        model.legs.slow = np.frombuffer(saved.slow, np.float64).reshape(-1, Legs.HOURS).copy()
    state.told_roads = {(start, end): seconds for start, end, seconds in saved.told_roads}
    state.failed, state.asked, state.answers = saved.failed, saved.asked, saved.answers
    state.proposals, state.settling = saved.proposals, saved.settling
    state.vehicle_ids, state.names = saved.vehicle_ids, saved.names
    state.speeds = Speeds.load(saved.speeds)
    state.exceptions, state.corridors = Exceptions.load(saved.exceptions), Corridors(*saved.corridors)
    state.vehicles = Vehicles.load(saved.vehicles, len(saved.vehicle_ids))
    state.visits = Visits.load(saved.visits, len(saved.names))
    state.vehicle_rows = {vehicle_id: row for row, vehicle_id in enumerate(saved.vehicle_ids)}
    state.routes = {route.route_id: route for route in saved.routes}
    state.route_ids = {route.number: route.route_id for route in saved.routes}
    state.visit_rows = {names.visit_id: row for row, names in enumerate(saved.names) if _is_known(state, row)}
    state.fences = {fence.fence_id: fence for fence in map(_fence, saved.fences)}
    state.fence_index = FenceIndex(list(state.fences.values()))
    state.fence_told, state.fence_told_us = saved.fence_told, saved.fence_told_us
    state.fence_corners = sum(fence.corners for fence in state.fences.values())
    state.contacts = Contacts.load(saved.contacts[1], saved.contacts[0])
    return state


def _is_known(state: FleetState, row: int) -> bool:
    """Rows that replanning left behind keep their names until they are tidied away, but are not found by them."""
    route = state.routes.get(state.names[row].route_id)
    return route is not None and route.first <= row < route.end


def _saved_fence(fence: Fence) -> _SavedFence:
    shown = (fence.fence_id, fence.kind, fence.name, fence.as_drawn(), fence.tags)
    return _SavedFence(*shown, fence.valid_from_us, fence.valid_until_us, fence.vehicle_ids, fence.vehicle_tags)


def _fence(saved: _SavedFence) -> Fence:
    drawn = saved.drawn
    fence = fence_of(saved.fence_id, msgspec.json.decode(drawn.geometry), saved.kind, saved.name, drawn.radius_m, drawn.width_m)
    kept = ("tags", "valid_from_us", "valid_until_us", "vehicle_ids", "vehicle_tags")
    return replace(fence, **{name: getattr(saved, name) for name in kept})


def _open(raw: bytes) -> _Saved:
    start = len(_MAGIC) + _SUM_BYTES
    if not raw.startswith(_MAGIC):
        msg = "these bytes are no Fleetcast checkpoint"
        raise UnusableCheckpoint(msg)
    if blake2b(raw[start:], digest_size=_SUM_BYTES).digest() != raw[len(_MAGIC) : start]:
        msg = f"the checkpoint of {len(raw)} bytes is cut off or damaged: its checksum is wrong"
        raise UnusableCheckpoint(msg)
    try:
        saved = msgspec.msgpack.decode(zlib.decompress(raw[start:]), type=_Saved)
    except msgspec.DecodeError as error:
        msg = f"the checkpoint was written by another version: {error}"
        raise UnusableCheckpoint(msg) from error
    if saved.version != VERSION:
        msg = f"the checkpoint has version {saved.version}, this Fleetcast reads {VERSION}"
        raise UnusableCheckpoint(msg)
    return saved
