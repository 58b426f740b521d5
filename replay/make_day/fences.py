"""The fences of a made fleet: its depot and some of its neighbourhoods, as GeoJSON."""

import numpy as np

from replay.make_day.city import City
from replay.make_day.doors import depot_door
from replay.make_day.parameters import Parameters
from replay.make_day.streets import Floats

CORNERS = 12
"""A neighbourhood fence is a polygon of so many corners."""


def fence_features(city: City, fleet_id: str, parameters: Parameters) -> list[dict[str, object]]:
    """GeoJSON features (lon, lat; counter-clockwise rings): the depot's yard and the first few neighbourhoods."""
    p = parameters.city
    depot = depot_door(city, fleet_id, parameters.plan)
    yard = p.depot_fence_m / 2
    corners = np.array([[-yard, -yard], [yard, -yard], [yard, yard], [-yard, yard]])
    features = [_feature(city, fleet_id, "depot", "Depot", corners + np.array([depot.x, depot.y]))]
    angles = 2 * np.pi * np.arange(CORNERS) / CORNERS
    ring = p.zone_fence_m * np.column_stack([np.cos(angles), np.sin(angles)])
    for hood in city.neighbourhoods[: p.zone_fences]:
        node = round(hood.line_i) * p.lines + round(hood.line_j)
        centre = (float(city.streets.x_m[node]), float(city.streets.y_m[node]))
        features.append(_feature(city, fleet_id, "zone", hood.name, ring + np.array(centre)))
    return features


def _feature(city: City, fleet_id: str, kind: str, name: str, corners: Floats) -> dict[str, object]:
    """One closed polygon."""
    lat, lon = city.degrees(corners[:, 0], corners[:, 1])
    ring = [[east, north] for east, north in zip(lon.tolist(), lat.tolist(), strict=True)]
    return {
        "type": "Feature",
        "id": f"{fleet_id}-{kind}-{name.lower().replace(' ', '-')}",
        "properties": {"fleet_id": fleet_id, "kind": kind, "name": name},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }
