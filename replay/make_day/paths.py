"""The way from one point on a street to another: its free-flow time for the planner, its pieces for the driver."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from replay.make_day.parameters import CityParameters
from replay.make_day.streets import Floats, Streets


@dataclass(frozen=True)
class Kerb:
    """A point on a street: metres along edge `edge` from its tail."""

    edge: int
    along_m: float


class Piece(NamedTuple):
    """A straight drive over one edge or a part of it, in metres, m/s at free flow; `junction` when it ends at a crossing."""

    x: float
    y: float
    to_x: float
    to_y: float
    length_m: float
    speed_mps: float
    road: int
    zone: int
    junction: bool


def position(streets: Streets, kerb: Kerb) -> tuple[float, float]:
    """x, y in metres of a point on a street."""
    tail, head = streets.tail[kerb.edge], streets.head[kerb.edge]
    share = kerb.along_m / float(streets.length_m[kerb.edge])
    x = streets.x_m[tail] + share * (streets.x_m[head] - streets.x_m[tail])
    y = streets.y_m[tail] + share * (streets.y_m[head] - streets.y_m[tail])
    return float(x), float(y)


def travel_matrix(streets: Streets, kerbs: list[Kerb], p: CityParameters) -> Floats:
    """Free-flow seconds from each kerb to each other, shape (n, n), symmetric: the best of the four pairs of street ends."""
    edge = np.array([kerb.edge for kerb in kerbs])
    along = np.array([kerb.along_m for kerb in kerbs])
    speed = np.asarray(p.speeds_mps)[streets.road[edge]]
    ends = ((streets.tail[edge], along / speed), (streets.head[edge], (streets.length_m[edge] - along) / speed))
    ways = [cost[:, None] + streets.shortest_s[np.ix_(node, to)] + to_cost[None, :] for node, cost in ends for to, to_cost in ends]
    direct = np.abs(along[:, None] - along[None, :]) / speed[:, None]
    seconds: Floats = np.where(edge[:, None] == edge[None, :], direct, np.minimum.reduce(ways))
    return seconds


def way(streets: Streets, start: Kerb, end: Kerb, p: CityParameters) -> list[Piece]:
    """The pieces of the fastest way at free flow; empty when both are the same point."""
    if start.edge == end.edge:
        return [_piece(streets, start, end, p, False)] if start.along_m != end.along_m else []
    leave, enter = _best_ends(streets, start, end, p)
    pieces = [_piece(streets, start, Kerb(start.edge, _along(streets, start.edge, leave)), p, True)]
    node = leave
    while node != enter:
        following, edge = min(streets.edges_at[node], key=lambda pair: streets.seconds[pair[1]] + streets.shortest_s[pair[0], enter])
        from_end, to_end = _along(streets, edge, node), _along(streets, edge, following)
        pieces.append(_piece(streets, Kerb(edge, from_end), Kerb(edge, to_end), p, True))
        node = following
    pieces.append(_piece(streets, Kerb(end.edge, _along(streets, end.edge, enter)), end, p, False))
    return [piece for piece in pieces if piece.length_m > 0.0]


def _best_ends(streets: Streets, start: Kerb, end: Kerb, p: CityParameters) -> tuple[int, int]:
    """The ends of both streets through which the way is shortest."""
    best: tuple[float, int, int] = (np.inf, 0, 0)
    for leave in (int(streets.tail[start.edge]), int(streets.head[start.edge])):
        for enter in (int(streets.tail[end.edge]), int(streets.head[end.edge])):
            first = abs(start.along_m - _along(streets, start.edge, leave)) / p.speeds_mps[streets.road[start.edge]]
            last = abs(end.along_m - _along(streets, end.edge, enter)) / p.speeds_mps[streets.road[end.edge]]
            best = min(best, (first + float(streets.shortest_s[leave, enter]) + last, leave, enter))
    return best[1], best[2]


def _along(streets: Streets, edge: int, node: int) -> float:
    """Metres along `edge` at which its end `node` lies."""
    return 0.0 if node == streets.tail[edge] else float(streets.length_m[edge])


def _piece(streets: Streets, start: Kerb, end: Kerb, p: CityParameters, junction: bool) -> Piece:
    x, y = position(streets, start)
    to_x, to_y = position(streets, end)
    road = int(streets.road[start.edge])
    length = abs(end.along_m - start.along_m)
    return Piece(x, y, to_x, to_y, length, p.speeds_mps[road], road, int(streets.zone[start.edge]), junction)
