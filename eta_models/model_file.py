"""What one fleet learned as a file for others: versioned, checksummed, compressed, and of plain numbers only.

The body is what a checkpoint holds of a model, so new parts of models travel by themselves; River's objects travel as their numbers
(`plain_river`). Never in it: questions that wait, and what fades within two days and is kept by vehicle and trip (`trackers`).
"""

import zlib
from dataclasses import dataclass
from hashlib import blake2b, sha256
from itertools import chain

import msgspec
import numpy as np

from eta_models.columns import Columns
from eta_models.correction import EXPERTS
from eta_models.daily import DailyTable
from eta_models.envelope import UntrustedModel
from eta_models.features import NAMES
from eta_models.lateness import NAMES as OF_LATENESS
from eta_models.legs import LegTable
from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_bytes import ARRAYS, SavedModel, loaded, networks_of, part_of, river_of, saved_model
from eta_models.model_settings import with_settings, wrong_settings
from eta_models.network import Network, NetworkPolicy
from eta_models.plain_river import Numbers, give, numbers
from eta_models.restraint import REGIMES
from eta_models.runs import RunTable
from eta_models.second_look import WIDTH as LOOKED_AT
from eta_models.spread import NAMES as OF_SPREAD
from eta_models.stays import PlaceTable
from eta_models.tiles import ASKED, BITS
from eta_models.trip_inputs import WIDTH as OF_TRIPS

FORMAT = 1
_MAGIC = b"FLEETCAST-MODEL\n"
_SUM_BYTES = 16
MOST_BYTES = 256_000_000
"""Of a file when it is unpacked: a fleet with all its tables full has a tenth."""

OF_ONE_FLEET = (
    "legs.area_hours",
    "trips.middle",
    *(f"correction.{name}" for name in ("loss", "asked", "_hedge", "_blend")),
    *(f"{part}.{name}" for part in ("trips.shares", "second_look.shares", "restraint") for name in ("errors", "asked", "share")),
)
"""Arrays that a general model leaves out: what belongs to places, and which answer was right how often, which another fleet has to find out
for itself. Of the other fields it has the weight of the transfers and the second look's network."""
PASSING = ("questions", "trackers", "lately", "unexported", "resets", "skill")
"""Fields that mean nothing elsewhere or later."""


class BadModel(ValueError):
    """The bytes are no model that this version can use; the message says why."""


class About(msgspec.Struct, frozen=True):
    """What is said of a model: of which fleet, until when (log time, us), from how many questions, and with which settings it learned."""

    fleet_id: str
    until_us: int
    questions: int
    legs: int
    places: int
    general: bool
    settings: dict[str, float] = {}


class _File(msgspec.Struct, frozen=True):
    format: int
    layout: str
    about: About
    saved: SavedModel
    river: dict[str, list[Numbers]]


class _Format(msgspec.Struct, frozen=True):
    format: int
    layout: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model from a file, and what is said of it. `sha256` names the file."""

    sha256: str
    about: About
    model: EtaModel


def layout() -> str:
    """What a model of this version is made of, as 16 hex digits: a model with other features or tables means something else."""
    tables = [sorted(table.FIELDS.items()) for table in (LegTable, PlaceTable, RunTable, DailyTable)]
    names = (
        NAMES,
        EXPERTS,
        OF_LATENESS,
        OF_SPREAD,
        ASKED,
        BITS,
        LOOKED_AT,
        OF_TRIPS,
        Network.FLAT,
        NetworkPolicy().units,
        REGIMES,
        sorted(ARRAYS.items()),
    )
    return sha256(repr((names, tables)).encode()).hexdigest()[:16]


def learned(model: EtaModel) -> int:
    """How many questions a model has learned from."""
    return int(model.correction.asked.sum())


def pack(model: EtaModel, fleet_id: str, until_us: int, settings: dict[str, float], *, general: bool) -> bytes:
    """A model as a file. `general` leaves out all that belongs to places of its fleet. What was learned must have been exported."""
    saved, fresh = saved_model(model), saved_model(EtaModel(ModelPolicy()))
    saved = msgspec.structs.replace(saved, **{name: getattr(fresh, name) for name in PASSING})
    networks = [([steps, seen, 0], arrays) for (steps, seen, _), arrays in saved.networks]
    saved = msgspec.structs.replace(saved, trips=(saved.trips[0], {}, saved.trips[2]), networks=networks)
    if general:
        arrays = {**saved.arrays, **{name: fresh.arrays[name] for name in OF_ONE_FLEET}}
        networks = [saved.networks[0], *fresh.networks[1:]]
        saved = msgspec.structs.replace(fresh, arrays=arrays, deviation_weight=saved.deviation_weight, networks=networks)
    legs, places = (0, 0) if general else (model.legs.table.count, model.stays.table.count)
    about = About(fleet_id, until_us, learned(model), legs, places, general, settings)
    river = {name: numbers(models) for name, models in river_of(model).items()}
    body = zlib.compress(msgspec.msgpack.encode(_File(FORMAT, layout(), about, saved, river)), 6)
    return _MAGIC + blake2b(body, digest_size=_SUM_BYTES).digest() + body


def unpack(raw: bytes, policy: ModelPolicy, settings: dict[str, float] | None = None) -> ModelFile:
    """The model of a file, with rates of `policy` and the settings that it learned with, or others. Raises `BadModel`."""
    file = _read(raw)
    wanted = file.about.settings if settings is None else settings
    if wrong := wrong_settings(wanted):
        raise BadModel(wrong)
    try:
        model = loaded(file.saved, with_settings(policy, wanted))
        names = {*NAMES, *OF_SPREAD, *OF_LATENESS}
        for part, models in river_of(model).items():
            give(models, file.river[part], names)
        _check(model)
        model.correction._learned = set(range(len(model.correction.models)))
        model.export()
    except (UntrustedModel, ValueError, KeyError, IndexError, TypeError) as error:
        raise BadModel(f"the model is damaged: {error}") from error
    if model.resets:
        raise BadModel("the model is damaged: weights that are not finite")
    return ModelFile(sha256(raw).hexdigest(), file.about, model)


def _read(raw: bytes) -> _File:
    start = len(_MAGIC) + _SUM_BYTES
    if not raw.startswith(_MAGIC):
        raise BadModel("these bytes are no model of Fleetcast")
    if blake2b(raw[start:], digest_size=_SUM_BYTES).digest() != raw[len(_MAGIC) : start]:
        raise BadModel(f"the model of {len(raw):,} bytes is cut off or damaged: its checksum is wrong")
    try:
        press = zlib.decompressobj()
        body = press.decompress(raw[start:], MOST_BYTES)
        if not press.eof:
            raise BadModel(f"the model is larger than {MOST_BYTES:,} bytes, or cut off")
        known = msgspec.msgpack.decode(body, type=_Format)
        if known.format != FORMAT:
            raise BadModel(f"the model has format {known.format}, this Fleetcast reads {FORMAT}")
        if known.layout != layout():
            raise BadModel("the model was made by another version: its features or tables are others")
        return msgspec.msgpack.decode(body, type=_File)
    except (msgspec.DecodeError, zlib.error) as error:
        raise BadModel(f"the model is damaged: {error}") from error


def _check(model: EtaModel) -> None:
    """Raises ValueError where tables do not fit together, or hold what is no number: nobody is to stumble over it later."""
    for keys, table in ((model.legs.keys, model.legs.table), (model.stays.keys, model.stays.table)):
        if len(keys.keys) != table.count or len(keys.rows) != table.count or len(keys.used) != table.count:
            raise ValueError("its keys and its rows are not as many")
    areas, runs = model.legs.areas, model.legs.table.runs[: model.legs.table.count]
    if sorted(areas.values()) != list(range(len(model.legs.area_hours))):
        raise ValueError("its areas and their hours are not as many")
    if len(runs) and not (int(runs.min()) >= -1 and int(runs.max()) < model.runs.table.count):
        raise ValueError("a leg has runs that are not there")
    for network in networks_of(model):
        if network.steps < 0 or network.seen < 0 or len(network.examples) != min(network.seen, network.policy.kept):
            raise ValueError("a network has not the examples that it counts")
    nets = (array for net in networks_of(model) for array in (*(getattr(net, name) for name in net.FLAT), net.truths, net.waiting_truths))
    arrays = chain(nets, (getattr(part_of(model, part), name) for part, names in ARRAYS.items() for name in names))
    if not all(
        np.isfinite(array).all() for array in chain(arrays, *map(_floats, (model.legs.table, model.stays.table, model.daily.table)))
    ):
        raise ValueError("a table holds what is no number")


def _floats(table: Columns) -> list[np.ndarray]:
    """Columns of numbers; where a new row holds none, none may stand."""
    columns = [(getattr(table, name)[: table.count], field[1]) for name, field in table.FIELDS.items() if field[0].startswith("f")]
    return [column if blank == blank else column[column == column] for column, blank in columns]
