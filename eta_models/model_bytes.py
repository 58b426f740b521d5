"""A fleet's model as bytes and back. Tables travel as columns, River objects in the envelope."""

from copy import copy
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from eta_models.bounded_keys import BoundedKeys
from eta_models.columns import Floats
from eta_models.envelope import UntrustedModel, unwrap, wrap
from eta_models.legs import Legs, LegTable
from eta_models.model import EtaModel, ModelPolicy
from eta_models.network import Network
from eta_models.questions import Questions
from eta_models.runs import RunTable
from eta_models.skill import Skill
from eta_models.stays import PlaceTable, Stays

ARRAYS = {
    "legs": ("area_hours", "fleet", "lengths", "fleet_share"),
    "stays": ("fleet", "lengths"),
    "deviation": ("moments", "fleet"),
    "correction": ("weights", "loss", "asked", "_hedge", "_blend"),
    "intervals": ("low", "high", "asked", "below", "_low", "_high"),
    "spread": ("weights",),
    "lateness": ("weights", "loss", "asked", "share"),
    "second_look.shares": ("errors", "asked", "share"),
    "restraint": ("errors", "asked", "share"),
    "trips.shares": ("errors", "asked", "share"),
    "trips": ("curve", "curve_seen", "middle"),
}
"""Learned arrays by part of the model."""


class SavedModel(msgspec.Struct, frozen=True):
    """All of a model. What stands in a file for other fleets is told in `model_file`; a field that is new belongs to a place, unless
    it is named there.
    """

    arrays: dict[str, tuple[list[int], bytes]]
    legs: tuple[dict[str, bytes], int]
    leg_keys: tuple[list[tuple[str, str]], bytes, int]
    areas: dict[int, int]
    places: tuple[dict[str, bytes], int]
    place_keys: tuple[list[str], bytes, int]
    questions: tuple[dict[str, bytes], int, list[int]]
    runs: tuple[dict[str, bytes], int, list[int]]
    daily: tuple[bytes, dict[str, bytes]]
    trackers: tuple[bytes, bytes, list[tuple[bytes, bytes, float]]]
    lately: tuple[bytes, bytes, list[tuple[bytes, bytes, float]]]
    """Of trips."""
    trips: tuple[list[bytes], dict[int, bytes], int]
    networks: list[tuple[list[int], list[bytes]]]
    """The second look's and the trips'."""
    deviation_weight: float
    unexported: tuple[list[int], list[int]]
    """Models and legs that have learned since the last export."""
    resets: tuple[int, int, int]
    river: bytes
    skill: Skill


def dump_model(model: EtaModel) -> bytes:
    """Everything learned and every question that waits."""
    return msgspec.msgpack.encode(msgspec.structs.replace(saved_model(model), river=wrap(river_of(model))))


def river_of(model: EtaModel) -> dict[str, Any]:
    """River's own objects, by part of the model."""
    return {"correction": model.correction.models, "size": model.spread.model, "lateness": model.lateness.models}


def saved_model(model: EtaModel) -> SavedModel:
    """Everything but River's objects."""
    return SavedModel(
        arrays={f"{part}.{name}": _array(getattr(part_of(model, part), name)) for part, names in ARRAYS.items() for name in names},
        legs=(model.legs.table.dump(), model.legs.table.count),
        leg_keys=model.legs.keys.dump(),
        areas=model.legs.areas,
        places=(model.stays.table.dump(), model.stays.table.count),
        place_keys=model.stays.keys.dump(),
        questions=(model.questions.dump(), model.questions.count, model.questions.free),
        runs=(model.runs.table.dump(), model.runs.table.count, model.runs.free),
        daily=model.daily.dump(),
        trackers=model.trackers.dump(),
        lately=model.trips.lately.dump(),
        trips=(model.trips.dump(), dict(model.questions.trips), model.trips.seen),
        networks=[network.dump() for network in networks_of(model)],
        deviation_weight=model.deviation.weight,
        unexported=(sorted(model.correction._learned), sorted(model.deviation._touched)),
        resets=(model.correction.resets, model.spread.resets, model.lateness.resets),
        river=b"",
        skill=copy(model.skill),
    )


def load_model(raw: bytes, policy: ModelPolicy) -> EtaModel:
    """What `dump_model` wrote. Raises `msgspec.DecodeError` for other bytes, `UntrustedModel` for foreign objects."""
    saved = msgspec.msgpack.decode(raw, type=SavedModel)
    model = loaded(saved, policy)
    _load_river(model, saved)
    return model


def loaded(saved: SavedModel, policy: ModelPolicy) -> EtaModel:
    """A model with everything but River's objects, which are new. Raises `UntrustedModel` for tables of another size."""
    model = EtaModel(policy)
    for key, array in saved.arrays.items():
        part, _, name = key.rpartition(".")
        fresh, kept = getattr(part_of(model, part), name), _from(array)
        if kept.shape[-1:] != fresh.shape[-1:] or (key != "legs.area_hours" and kept.shape != fresh.shape):
            msg = f"the model was written by another version: {key} is {kept.shape}, not {fresh.shape}"
            raise UntrustedModel(msg)
        setattr(part_of(model, part), name, kept)
    _load_legs(model.legs, saved)
    _load_stays(model.stays, saved)
    model.deviation.weight = saved.deviation_weight
    model.correction._learned, model.deviation._touched = map(set, saved.unexported)
    fields, count, free = saved.questions
    model.questions = Questions.load(fields, count)
    model.questions.free, model.skill = free, saved.skill
    _load_places(model, saved)
    model.correction.resets, model.spread.resets, model.lateness.resets = saved.resets
    return model


def part_of(model: EtaModel, path: str) -> object:
    """A part of a model by its path."""
    return attrgetter(path)(model)


def _array(array: Floats) -> tuple[list[int], bytes]:
    return list(array.shape), array.tobytes()


def _from(saved: tuple[list[int], bytes]) -> Floats:
    shape, raw = saved
    return np.frombuffer(raw, dtype=np.float64).reshape(shape).copy()


def _load_legs(legs: Legs, saved: SavedModel) -> None:
    legs.table = LegTable.load(*saved.legs)
    legs.areas = saved.areas
    _load_keys(legs.keys, saved.leg_keys)


def _load_stays(stays: Stays, saved: SavedModel) -> None:
    stays.table = PlaceTable.load(*saved.places)
    _load_keys(stays.keys, saved.place_keys)


def _load_places(model: EtaModel, saved: SavedModel) -> None:
    fields, count, free = saved.runs
    model.runs.table, model.runs.free = RunTable.load(fields, count), free
    model.daily.load(*saved.daily)
    model.trackers.load(*saved.trackers)
    model.trips.lately.load(*saved.lately)
    learned, model.questions.trips, model.trips.seen = saved.trips
    try:
        model.trips.load(learned)
        for network, (counts, arrays) in zip(networks_of(model), saved.networks, strict=True):
            network.load(counts, arrays)
    except ValueError as error:
        raise UntrustedModel(str(error)) from error


def networks_of(model: EtaModel) -> tuple[Network, Network]:
    """The second look's network and the trips'."""
    return model.second_look.network, model.trips.network


def _load_keys(keys: BoundedKeys[Any], saved: tuple[list[Any], bytes, int]) -> None:
    keys.load(*saved)


def _load_river(model: EtaModel, saved: SavedModel) -> None:
    river: dict[str, Any] = unwrap(saved.river)
    model.correction.models, model.spread.model, model.lateness.models = river["correction"], river["size"], river["lateness"]
