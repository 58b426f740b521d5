"""A fleet's state as bytes and back: versioned columns and tables, with a checksum; the log position is in it.

The log is the truth and a checkpoint a cache of it. Learned River objects travel pickled in `eta_models.envelope`, which loads nothing
but River's own classes. A checkpoint of another version, a cut one, or one with a wrong checksum is refused by name, never half loaded.
"""

import zlib
from hashlib import blake2b

import msgspec

from eta_models.model import ModelPolicy
from eta_models.model_bytes import dump_model, load_model
from eta_models.speeds import Speeds
from geofences.fence_index import FenceIndex
from geofences.fences import Fence, fence_of
from stream.fleet import Dropped, FleetState, Route, Truth, VehicleFacts, VisitNames
from stream.outputs import Numbered
from stream.vehicles import Vehicles
from stream.visits import Visits

VERSION = 3
_MAGIC = b"FLEETCAST-CHECKPOINT\n"
_SUM_BYTES = 16


class UnusableCheckpoint(ValueError):
    """The bytes are not a checkpoint that this version can load; the message says why. The log can rebuild the state."""


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
    fences: list[tuple[str, str, str | None, bytes]]
    fences_of: dict[int, list[str]]
    truths: list[Truth]
    recent: list[Numbered]
    speeds: tuple[list[int], bytes]
    model: bytes
    faults: dict[str, int] = {}


_NUMBERS = (
    "now_us", "ticked_us", "position", "sequence", "estimates_made", "visit_numbers", "route_numbers", "received", "pings",
    "kept_late", "scalar_rows", "utc_offset_s", "behind_us", "thins", "thinned_told",
)  # fmt: skip


def dump(state: FleetState) -> bytes:
    """The whole state as bytes."""
    return seal(capture(state))


def seal(captured: bytes) -> bytes:
    """What `capture` gave, compressed and with its checksum."""
    body = zlib.compress(captured, 1)
    return _MAGIC + blake2b(body, digest_size=_SUM_BYTES).digest() + body


def capture(state: FleetState) -> bytes:
    """The state as it is now: what must be done while nothing changes it; `seal` may follow in another thread."""
    saved = _Saved(
        version=VERSION,
        fleet_id=state.fleet_id,
        numbers={name: getattr(state, name) for name in _NUMBERS},
        refused=state.refused,
        counted=state.counted,
        dropped=state.dropped,
        vehicles=state.vehicles.dump(),
        vehicle_ids=state.vehicle_ids,
        facts=state.facts,
        visits=state.visits.dump(),
        names=state.names,
        routes=list(state.routes.values()),
        fences=[(f.fence_id, f.kind, f.name, msgspec.json.encode(f.geometry.__geo_interface__)) for f in state.fences.values()],
        fences_of={row: sorted(fences) for row, fences in state.fences_of.items()},
        truths=state.truths,
        recent=state.recent,
        speeds=state.speeds.dump(),
        model=dump_model(state.model),
        faults=state.faults,
    )
    return msgspec.msgpack.encode(saved)


def load(raw: bytes, policy: ModelPolicy) -> FleetState:
    """The state that `dump` wrote. Raises `UnusableCheckpoint`."""
    return _state(_open(raw), policy)


def recall(captured: bytes, policy: ModelPolicy) -> FleetState:
    """The state that `capture` took in this process."""
    return _state(msgspec.msgpack.decode(captured, type=_Saved), policy)


def _state(saved: _Saved, policy: ModelPolicy) -> FleetState:
    state = FleetState(saved.fleet_id, load_model(saved.model, policy))
    for name, number in saved.numbers.items():
        setattr(state, name, number)
    state.refused, state.counted, state.dropped = saved.refused, saved.counted, saved.dropped
    state.facts, state.truths, state.recent, state.faults = saved.facts, saved.truths, saved.recent, saved.faults
    state.vehicle_ids, state.names = saved.vehicle_ids, saved.names
    state.speeds = Speeds.load(saved.speeds)
    state.vehicles = Vehicles.load(saved.vehicles, len(saved.vehicle_ids))
    state.visits = Visits.load(saved.visits, len(saved.names))
    state.vehicle_rows = {vehicle_id: row for row, vehicle_id in enumerate(saved.vehicle_ids)}
    state.routes = {route.route_id: route for route in saved.routes}
    state.route_ids = {route.number: route.route_id for route in saved.routes}
    state.visit_rows = {names.visit_id: row for row, names in enumerate(saved.names) if _is_known(state, row)}
    state.fences = {fence.fence_id: fence for fence in map(_fence, saved.fences)}
    state.fence_index = FenceIndex(list(state.fences.values()))
    state.fences_of = {row: frozenset(fences) for row, fences in saved.fences_of.items()}
    return state


def _is_known(state: FleetState, row: int) -> bool:
    """Rows that replanning left behind keep their names until they are tidied away, but are not found by them."""
    route = state.routes.get(state.names[row].route_id)
    return route is not None and route.first <= row < route.end


def _fence(saved: tuple[str, str, str | None, bytes]) -> Fence:
    fence_id, kind, name, geometry = saved
    return fence_of(fence_id, msgspec.json.decode(geometry), kind, name)


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
