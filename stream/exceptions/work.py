"""Which vehicles still have work to do: who has served the route, or whose plan ended long ago, need not be heard of, nor move."""

import numpy as np

from eta_models.columns import MISSING, Flags, Ints
from stream.fleet import FleetState
from stream.visits import OPEN

OVER_US = 3_600_000_000
"""A visit that was due so long ago, with nothing reached since, is not worked at any more: the block has ended, and nobody said so."""


def has_work(state: FleetState, rows: Ints) -> Flags:
    """Whether each of the vehicles `rows` has an open visit at which something is to be done and that is not long overdue.

    A second call at the place that was reached last, without service (the end of a layover), is no work: the vehicle is there already.
    """
    v, visits = state.vehicles, state.visits
    vehicle, visit = v.visits_left(rows)
    due_us = np.maximum(visits.planned_us[visit], visits.closes_us[visit])
    reached = (visit - 1 == v.here[rows][vehicle]) | (visit - 1 == v.left_visit[rows][vehicle])
    there = reached & visits.again(visit) & ~(visits.service_s[visit] > 0)
    work = (visits.state[visit] == OPEN) & ~there & ((due_us == MISSING) | (state.now_us - due_us <= OVER_US))
    found = np.zeros(len(rows), dtype=np.bool_)
    found[vehicle[work]] = True
    return found
