"""What the API answers about cells: GeoJSON (RFC 7946)."""

from msgspec import Struct


class CellProperties(Struct):
    """The learned speed of an H3 cell, and how many fixes it rests on."""

    fleet_id: str
    cell: str
    speed_mps: float
    fixes: int


class Polygon(Struct, tag_field="type"):
    """GeoJSON: rings of [lon, lat]."""

    coordinates: list[list[tuple[float, float]]]


class CellFeature(Struct, tag_field="type", tag="Feature"):
    """GeoJSON: a cell."""

    id: str
    geometry: Polygon
    properties: CellProperties


class CellCollection(Struct, tag_field="type", tag="FeatureCollection"):
    """GeoJSON (RFC 7946): learned speeds by H3 cell."""

    features: list[CellFeature]
