"""Beside the steps: where on its leg a vehicle is, cell by cell, and whether past runs have been there too."""

import numpy as np

from eta_models.columns import MISSING, Cells, Ints
from geofences.cells import fine_cells_of
from stream.corridors import Run
from stream.fleet import FleetState
from stream.vehicles import WAY_CELLS


def follow_legs(state: FleetState, rows: Ints) -> None:
    """Note the fine cell of the newest fix of every vehicle (rows) that is on a leg between two stops."""
    v, visits = state.vehicles, state.visits
    following = v.next[rows]
    on_leg = (following >= 0) & (v.here[rows] < 0) & (v.left_visit[rows] >= 0) & (v.left_visit[rows] == following - 1)
    v.off_since_us[rows[~on_leg]], v.off_fixes[rows[~on_leg]] = MISSING, 0
    rows, following = rows[on_leg], following[on_leg]
    if not len(rows):
        return
    begins = v.way_visit[rows] != visits.number[following]
    new = rows[begins]
    v.way_visit[new], v.way_cells[new], v.off_since_us[new], v.off_fixes[new] = visits.number[following[begins]], 0, MISSING, 0
    cells = fine_cells_of(v.lat[rows], v.lon[rows])
    last = v.way[rows, (v.way_cells[rows] - 1) % WAY_CELLS]
    moved = (v.way_cells[rows] == 0) | (cells != last)
    still_off = rows[~moved & (v.off_since_us[rows] != MISSING)]
    v.off_fixes[still_off] += 1
    _move(state, rows[moved], visits.leg[following[moved]].astype(np.int64), cells[moved])


def _move(state: FleetState, rows: Ints, legs: Ints, cells: Cells) -> None:
    """Vehicles that have come into another cell: is it one of the corridor?"""
    v = state.vehicles
    v.way[rows, v.way_cells[rows] % WAY_CELLS] = cells
    v.way_cells[rows] += 1
    covers = state.corridors.covers
    off = np.array([not covers(leg, cell) for leg, cell in zip(legs.tolist(), cells.tolist(), strict=True)], dtype=np.bool_)
    v.off_since_us[rows[~off]], v.off_fixes[rows[~off]] = MISSING, 0
    out = rows[off]
    v.off_since_us[out] = np.where(v.off_since_us[out] == MISSING, v.at_us[out], v.off_since_us[out])
    v.off_fixes[out] += 1


def keep_run(state: FleetState, position: int, row: int, visit: int) -> None:
    """The leg to a visit is driven: the next tick learns where it led."""
    v = state.vehicles
    count, leg = int(v.way_cells[row]), int(state.visits.leg[visit])
    if leg >= 0 and v.way_visit[row] == state.visits.number[visit] and 0 < count <= WAY_CELLS:
        state.corridors.runs.append(Run(position, leg, v.way[row, :count].tolist()))
