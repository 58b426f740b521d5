"""An invented city: where on Earth it lies, its streets, its neighbourhoods and the depot of its fleet."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from replay.make_day.parameters import REGIONS, CityParameters, Parameters
from replay.make_day.paths import Kerb, position
from replay.make_day.seeding import between, factor
from replay.make_day.streets import BLOCKED_S, RING, Floats, Streets, lay_streets

M_PER_DEG = 6_371_008.8 * np.pi / 180.0
"""Metres of a degree of latitude on the sphere of mean Earth radius (IUGG), as in the haversine formula."""
HOUSE, APARTMENT, BUSINESS = range(3)
"""Kinds of places, in the order of the parameters."""
BEGINNINGS = ("Alder", "Bram", "Corn", "Dunn", "Elm", "Fen", "Gold", "Hazel", "Iron", "Kiln", "Lark", "Mill", "North", "Otter", "Quarry")
ENDINGS = (" Bank", "bridge", " Court", "ferry", "field", " Green", " Hill", "hurst", " Lanes", "mere", " Park", " Quay", "side", " Vale")


@dataclass(frozen=True)
class Neighbourhood:
    """Where customers live close together: its middle (grid lines), its kind of door work and what share of doors is what."""

    name: str
    line_i: float
    line_j: float
    service_factor: float
    place_shares: tuple[float, ...]


@dataclass(frozen=True)
class City:
    """Local metres (x east, y north) around `lat_deg, lon_deg`; the depot stands at a kerb of the outskirts."""

    time_zone: str
    lat_deg: float
    lon_deg: float
    streets: Streets
    neighbourhoods: tuple[Neighbourhood, ...]
    depot: Kerb

    def degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Latitude and longitude of local metres, to a ten-millionth of a degree (1 cm)."""
        lat = self.lat_deg + y / M_PER_DEG
        lon = self.lon_deg + x / (M_PER_DEG * np.cos(np.radians(self.lat_deg)))
        return np.round(lat, 7), np.round(lon, 7)


def draw_city(rng: Generator, parameters: Parameters) -> City:
    """The city of one fleet."""
    p = parameters.city
    region = REGIONS[int(rng.integers(len(REGIONS)))]
    lat, lon = round(between(rng, region.lat_deg), 4), round(between(rng, region.lon_deg), 4)
    streets = lay_streets(rng, p)
    names = [beginning + ending for beginning in BEGINNINGS for ending in ENDINGS]
    chosen = rng.choice(len(names), p.neighbourhoods, replace=False)
    hoods = tuple(_neighbourhood(rng, names[int(i)], parameters) for i in chosen)
    return City(region.time_zone, lat, lon, streets, hoods, _depot(rng, streets, p))


def kerb_near(rng: Generator, streets: Streets, line_i: float, line_j: float, sigma: float) -> Kerb:
    """A point on a street, the grid lines of its tail normally distributed around the given ones; never on the ring."""
    n = streets.lines
    while True:
        i, j = np.clip(np.round(rng.normal((line_i, line_j), sigma)), 0, n - 1).astype(int).tolist()
        ways = [edge for _, edge in streets.edges_at[i * n + j] if streets.tail[edge] == i * n + j]
        drawn, share = float(rng.random()), between(rng, (0.12, 0.88))
        if ways:
            edge = ways[int(drawn * len(ways))]
            if streets.road[edge] != RING:
                return Kerb(edge, round(share * float(streets.length_m[edge]), 2))


def beside(streets: Streets, kerb: Kerb, off_m: float) -> tuple[float, float]:
    """x, y of a door `off_m` metres to the left of the street (negative: to the right)."""
    x, y = position(streets, kerb)
    tail, head, length = streets.tail[kerb.edge], streets.head[kerb.edge], float(streets.length_m[kerb.edge])
    east, north = streets.x_m[head] - streets.x_m[tail], streets.y_m[head] - streets.y_m[tail]
    return float(x - off_m * north / length), float(y + off_m * east / length)


def _neighbourhood(rng: Generator, name: str, parameters: Parameters) -> Neighbourhood:
    """Anywhere but at the very edge; denser towards the middle; some are all houses, some all offices."""
    p = parameters.city
    line_i, line_j = np.clip(rng.normal(p.lines / 2, p.lines / 4.2, 2), 2, p.lines - 3).tolist()
    shares = rng.dirichlet(4.0 * np.asarray(parameters.plan.place_shares))
    return Neighbourhood(name, line_i, line_j, factor(rng, parameters.drive.place_sigma), tuple(shares.tolist()))


def _depot(rng: Generator, streets: Streets, p: CityParameters) -> Kerb:
    """Near one side of the ring, where land is cheap."""
    far = p.lines - 1 - p.ring_line
    side, place = int(rng.integers(4)), between(rng, (p.ring_line + 3.0, far - 3.0))
    line_i, line_j = ((p.ring_line + 1, place), (far - 1, place), (place, p.ring_line + 1), (place, far - 1))[side]
    while True:
        kerb = kerb_near(rng, streets, line_i, line_j, 0.8)
        if float(streets.shortest_s[streets.tail[kerb.edge]].max()) < BLOCKED_S:
            return kerb
