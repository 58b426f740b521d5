"""A model that learned elsewhere takes its place in a fleet: it numbers legs, places and areas as the fleet does."""

from typing import TypeVar

import numpy as np

from eta_models.columns import Columns, Ints
from eta_models.daily import Daily
from eta_models.model import EtaModel

T = TypeVar("T", bound=Columns)


def graft(model: EtaModel, fleet: EtaModel) -> None:
    """Let `model`, which nobody has asked yet, share names and numbers with the model of a fleet; new names become the fleet's too."""
    legs = np.array([fleet.legs.leg(*key) for key in model.legs.keys.keys], dtype=np.int64)
    places = np.array([fleet.stays.place(key) for key in model.stays.keys.keys], dtype=np.int64)
    model.legs.table = _moved(model.legs.table, legs, fleet.legs.table.count)
    model.stays.table = _moved(model.stays.table, places, fleet.stays.table.count)
    model.daily = _other_days(model.daily, legs)
    old = model.legs.area_hours
    numbers = {row: fleet.legs.area(cell) for cell, row in model.legs.areas.items() if cell in fleet.legs.areas or _has_room(fleet)}
    hours = np.zeros((len(fleet.legs.areas), *old.shape[1:]))
    for row, number in numbers.items():
        hours[number] = old[row]
    model.legs.area_hours = hours
    share(model, fleet)


def share(model: EtaModel, fleet: EtaModel) -> None:
    """Let two models of a fleet, numbered alike, name legs, places and areas together."""
    model.legs.keys, model.stays.keys, model.legs.areas = fleet.legs.keys, fleet.stays.keys, fleet.legs.areas
    model.legs.slow = fleet.legs.slow
    keep_up(model, fleet)


def keep_up(model: EtaModel, fleet: EtaModel) -> None:
    """Room for what the fleet has named since."""
    pairs: tuple[tuple[Columns, Columns], ...] = ((model.legs.table, fleet.legs.table), (model.stays.table, fleet.stays.table))
    for mine, theirs in pairs:
        if theirs.count > mine.count:
            mine.add(theirs.count - mine.count)
    missing = len(fleet.legs.area_hours) - len(model.legs.area_hours)
    if missing > 0:
        model.legs.area_hours = np.concatenate([model.legs.area_hours, np.zeros((missing, model.legs.HOURS, 2))])


def _has_room(fleet: EtaModel) -> bool:
    """Beyond the last area others share its row: what was learned elsewhere has no place there."""
    return len(fleet.legs.areas) < fleet.legs.MOST_AREAS


def _moved(table: T, rows: Ints, count: int) -> T:
    """The rows of a table at other places of one with `count` rows."""
    moved = type(table)(max(count, 1))
    moved.add(count)
    for name in table.FIELDS:
        getattr(moved, name)[rows] = getattr(table, name)[: table.count]
    return moved


def _other_days(daily: Daily, legs: Ints) -> Daily:
    """The same trips of other days under the new numbers of their legs; of two that share a slot the later one has it."""
    table, other = daily.table, Daily()
    for slot in np.flatnonzero(table.key >= 0).tolist():
        leg, minute = divmod(int(table.key[slot]), 1_440)
        if leg < len(legs):
            other.put(int(legs[leg]), minute, float(table.days[slot]), float(table.took_s[slot]), float(table.deviation_s[slot]))
    return other
