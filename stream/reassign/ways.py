"""How long it takes from anywhere to anywhere, as the fleet's models say: legs that were driven before, else by distance, area and hour."""

import numpy as np

from eta_models.columns import Floats, Ints
from geofences.positions import distance_m
from stream.fleet import FleetState
from stream.reassign.scene import Places

LEAST_S = 5.0
"""Two doors of one building are so far apart."""
SAME_M = 25.0
"""Places nearer than this are one stop for a vehicle."""


class Ways:
    """Ways between the places of a scene; where nothing else is known the learned speed of the fleet and the area at this hour."""

    def __init__(self, tried: FleetState, places: Places) -> None:
        self.places, self.legs, self.roads = places, tried.model.legs, tried.roads
        self.hour = int((tried.now_us / 1e6 + tried.utc_offset_s) % 86_400 / 3_600)
        self.codes, self.leg_rows = self._known(tried, int(places.stop.max(initial=-1)) + 1)
        self.stops = max(int(places.stop.max(initial=-1)) + 1, 1)

    def _known(self, tried: FleetState, stops: int) -> tuple[Ints, Ints]:
        """Legs between stops of the scene that the model has a row for: their codes, sorted, and rows."""
        number = {
            tried.names[row].stop_id: stop
            for row, stop in zip(self.places.row.tolist(), self.places.stop.tolist(), strict=True)
            if row >= 0
        }
        found = [
            (number[start] * stops + number[end], row)
            for (start, end), row in self.legs.keys.rows.items()
            if start in number and end in number
        ]
        table = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
        return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])

    def to(self, free: int) -> Floats:
        """From every place to each free one."""
        every = len(self.places.row)
        start, end = np.repeat(np.arange(every), free), np.tile(np.arange(free), every)
        return self.between(start, end, self._by_road(every - 1, free, True)).reshape(every, free)

    def fro(self, free: int) -> Floats:
        """From each free place to every one."""
        every = len(self.places.row)
        start, end = np.repeat(np.arange(free), every), np.tile(np.arange(every), free)
        return self.between(start, end, self._by_road(every - 1, free, False)).reshape(free, every)

    def _by_road(self, places: int, free: int, to: bool) -> Floats | None:
        """What a routing server says of these ways; the last place is nobody's."""
        if self.roads is None:
            return None
        every, some = np.arange(places), np.arange(free)
        known = self.roads.matrix(self.places.lat, self.places.lon, *((every, some) if to else (some, every)))
        nowhere = ((0, 1), (0, 0)) if to else ((0, 0), (0, 1))
        return np.pad(known, nowhere, constant_values=np.nan).reshape(-1)

    def between(self, start: Ints, end: Ints, road_s: Floats | None = None) -> Floats:
        """Seconds from place to place, elementwise; `road_s` counts for ways that nobody has driven."""
        p = self.places
        apart_m = distance_m(p.lat[start], p.lon[start], p.lat[end], p.lon[end])
        leg = self._leg(p.stop[start], p.stop[end])
        hour, unplanned = np.full(len(start), self.hour), np.full(len(start), np.nan)
        slowed = self.legs.slowed(p.area[end], hour)
        seconds = self.legs.usual_s(leg, p.area[end], hour, apart_m, unplanned) * slowed
        if road_s is not None:
            seen = (leg >= 0) & (self.legs.table.seen[leg] > 0)
            by_road = road_s * slowed
            seconds = np.where((by_road == by_road) & ~seen, by_road, seconds)
        return np.where((apart_m < SAME_M) & (leg < 0), LEAST_S, np.maximum(seconds, LEAST_S))

    def _leg(self, start: Ints, end: Ints) -> Ints:
        if not len(self.codes):
            return np.full(len(start), -1)
        code = np.where((start >= 0) & (end >= 0), start * self.stops + end, -1)
        place = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        return np.where(self.codes[place] == code, self.leg_rows[place], -1)
