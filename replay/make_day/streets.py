"""The streets of an invented city: a bent, rotated grid, a ring, a river with bridges, and all shortest times through it."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from replay.make_day.parameters import CityParameters
from replay.make_day.seeding import between

STREET, ARTERIAL, RING, LANE = range(4)
"""Road classes, in the order of the parameters."""
BLOCKED_S = 1e6
"""Cost of what cannot be driven: the river away from a bridge."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Streets:
    """Nodes `i * lines + j` at `x_m, y_m` from the depot's city centre, and the edges between neighbours on the grid.

    Edge columns: `tail`, `head` (nodes), `length_m`, `road` (class), `zone` (traffic area), `seconds` (free flow), `open` (not
    in the river). `shortest_s` is node by node, free flow. `edges_at[node]` lists (neighbour, edge) of what can be driven.
    """

    lines: int
    x_m: Floats
    y_m: Floats
    tail: Ints
    head: Ints
    length_m: Floats
    road: Ints
    zone: Ints
    seconds: Floats
    open: NDArray[np.bool_]
    shortest_s: Floats
    edges_at: tuple[tuple[tuple[int, int], ...], ...]


def lay_streets(rng: Generator, p: CityParameters) -> Streets:
    """Draws the streets of one city."""
    n = p.lines
    x, y = _nodes(rng, p)
    node = np.arange(n * n).reshape(n, n)
    tail = np.concatenate([node[:-1, :].ravel(), node[:, :-1].ravel()])
    head = np.concatenate([node[1:, :].ravel(), node[:, 1:].ravel()])
    road = _roads(rng, p)
    is_open = _open(rng, p, road)
    road = np.where((rng.random(len(road)) < p.lane_share) & (road == STREET), LANE, road)
    length = np.hypot(x[head] - x[tail], y[head] - y[tail])
    seconds = length / np.asarray(p.speeds_mps)[road] + p.junction_s
    zone = (tail // n * p.zones_a_side // n) * p.zones_a_side + tail % n * p.zones_a_side // n
    shortest = _all_shortest(np.where(is_open, seconds, BLOCKED_S), n)
    return Streets(n, x, y, tail, head, length, road, zone, seconds, is_open, shortest, _neighbours(tail, head, is_open, n * n))


def _nodes(rng: Generator, p: CityParameters) -> tuple[Floats, Floats]:
    """Crossings: uneven lines, bent by two waves, turned by any angle."""
    along = [np.concatenate([[0.0], np.cumsum(rng.uniform(*p.spacing_m, p.lines - 1))]) for _ in range(2)]
    x, y = np.meshgrid(along[0] - along[0].mean(), along[1] - along[1].mean(), indexing="ij")
    waves = rng.uniform(3500.0, 6500.0, 2)
    phases = rng.uniform(0.0, 2 * np.pi, 2)
    bent_x = x + p.bend_m * np.sin(2 * np.pi * y / waves[0] + phases[0])
    bent_y = y + p.bend_m * np.sin(2 * np.pi * x / waves[1] + phases[1])
    turn = between(rng, (0.0, np.pi / 2))
    return (bent_x * np.cos(turn) - bent_y * np.sin(turn)).ravel(), (bent_x * np.sin(turn) + bent_y * np.cos(turn)).ravel()


def _roads(rng: Generator, p: CityParameters) -> Ints:
    """The class of every edge: edges along axis 0 first (each lies on a line j), then along axis 1 (on a line i)."""
    n, ring = p.lines, (p.ring_line, p.lines - 1 - p.ring_line)
    first = int(rng.integers(0, p.arterial_every))
    across, on = np.meshgrid(np.arange(n - 1), np.arange(n), indexing="ij")
    arterial = on % p.arterial_every == first
    on_ring = np.isin(on, ring) & (across >= ring[0]) & (across < ring[1])
    by_line = np.where(on_ring, RING, np.where(arterial, ARTERIAL, STREET))
    return np.concatenate([by_line.ravel(), by_line.T.ravel()])


def _open(rng: Generator, p: CityParameters, road: Ints) -> NDArray[np.bool_]:
    """False on edges that the river cuts; the ring and some arterials cross it on bridges."""
    n = p.lines
    rows = np.arange(n)
    course = n / 2 + rng.uniform(-3.0, 3.0) + p.river_bend * np.sin(2 * np.pi * rows / n * rng.uniform(0.6, 1.4) + rng.uniform(0.0, 6.28))
    west = rows[:, None] < course[None, :]
    cut = np.concatenate([(west[:-1, :] != west[1:, :]).ravel(), (west[:, :-1] != west[:, 1:]).ravel()])
    line = np.concatenate([np.tile(rows, n - 1), np.full(n * (n - 1), -1)])
    bridged = rng.random(n) < p.bridge_share
    bridge = (road == RING) | ((road == ARTERIAL) & (line >= 0) & bridged[line])
    is_open: NDArray[np.bool_] = ~cut | bridge
    return is_open


def _all_shortest(seconds: Floats, n: int) -> Floats:
    """Shortest seconds from every node to every node: sweeps along both axes in both directions until nothing gets shorter."""
    split = n * (n - 1)
    down = np.concatenate([np.zeros((1, n)), np.cumsum(seconds[:split].reshape(n - 1, n), axis=0)])
    right = np.concatenate([np.zeros((n, 1)), np.cumsum(seconds[split:].reshape(n, n - 1), axis=1)], axis=1)
    best = np.full((n * n, n, n), 4 * BLOCKED_S)
    best.reshape(n * n, n * n)[np.arange(n * n), np.arange(n * n)] = 0.0
    while True:
        before = best
        for axis, cost in ((1, down), (2, right)):
            best = np.minimum(best, np.minimum.accumulate(best - cost, axis=axis) + cost)
            back = np.flip(np.minimum.accumulate(np.flip(best + cost, axis), axis=axis), axis) - cost
            best = np.minimum(best, back)
        if float(np.max(before - best)) < 1e-6:
            return best.reshape(n * n, n * n)


def _neighbours(tail: Ints, head: Ints, is_open: NDArray[np.bool_], nodes: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """For each node the (neighbour, edge) pairs that can be driven."""
    at: list[list[tuple[int, int]]] = [[] for _ in range(nodes)]
    for edge in np.flatnonzero(is_open).tolist():
        at[int(tail[edge])].append((int(head[edge]), edge))
        at[int(head[edge])].append((int(tail[edge]), edge))
    return tuple(tuple(pairs) for pairs in at)
