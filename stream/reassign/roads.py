"""Road times that a routing server knows: asked for while something is solved, and what counts of them told to the log."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from stream.fleet import FleetState
from stream.moments import instant
from stream.proposal_messages import ProposalsMade
from stream.road_messages import MOST_LEGS, RoadTime, RoadTimesPut


def know_roads(tried: FleetState, orders: Sequence[Sequence[int]]) -> None:
    """Let the model of a copy know the ways along new orders of visits, where a server knows them and nobody has driven them yet."""
    pairs = [(a, b) for order in orders for a, b in pairwise(row for row in order if row >= 0)]
    if tried.roads is None or not pairs:
        return
    rows = sorted({row for pair in pairs for row in pair})
    number, at = {row: i for i, row in enumerate(rows)}, np.array(rows)
    every = np.arange(len(rows))
    seconds = tried.roads.matrix(tried.visits.lat[at], tried.visits.lon[at], every, every)
    for a, b in pairs:
        tried.model.legs.know_road(tried.names[a].stop_id, tried.names[b].stop_id, float(seconds[number[a], number[b]]))


def told_roads(tried: FleetState, made: Sequence[ProposalsMade]) -> RoadTimesPut | None:
    """The road times that proposals rest on, for the log: after accepting, ETAs are those that were promised."""
    legs, found = tried.model.legs, dict[tuple[str, str], float]()
    for change in [each for message in made for proposal in message.proposals for each in proposal.changes]:
        rows = [tried.visit_rows[name] for name in change.visit_ids if name in tried.visit_rows]
        for a, b in pairwise(tried.names[row].stop_id for row in rows):
            seconds = legs.road_s(a, b)
            if seconds == seconds:
                found[a, b] = round(seconds, 1)
    if not found or tried.roads is None:
        return None
    told = [RoadTime(from_stop_id=a, to_stop_id=b, duration_s=seconds) for (a, b), seconds in list(found.items())[:MOST_LEGS]]
    return RoadTimesPut(fleet_id=tried.fleet_id, at=instant(tried.now_us), source=tried.roads.source, legs=told)
