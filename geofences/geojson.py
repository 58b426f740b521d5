"""GeoJSON positions (RFC 7946) as they came, judged one by one: finite, on the globe, and never clamped."""

import math
from typing import Any, NamedTuple


class InvalidOutline(ValueError):
    """A geometry that is not one area; the message is the reason with the place, as a sentence for the one who drew it."""


class Position(NamedTuple):
    """A place in degrees."""

    lon: float
    lat: float

    def __str__(self) -> str:
        """As people are told of it; longitudes past the antimeridian count on from the other side."""
        lon = self.lon - 360.0 * round(self.lon / 360.0)
        return f"longitude {lon:.9g}, latitude {self.lat:.9g}"


def position_of(drawn: Any, where: str) -> Position:
    """A [longitude, latitude]; a third coordinate is dropped. Raises InvalidOutline with `where` it stands."""
    if not isinstance(drawn, list | tuple) or len(drawn) < 2 or not all(is_number(value) for value in drawn[:2]):
        raise InvalidOutline(f"{where} holds {shown(drawn)}, which is not a finite [longitude, latitude]")
    lon, lat = float(drawn[0]), float(drawn[1])
    if not -180.0 <= lon <= 180.0 or not -90.0 <= lat <= 90.0:
        raise InvalidOutline(f"{where} holds longitude {lon:g}, latitude {lat:g}: outside -180..180, -90..90")
    return Position(lon, lat)


def positions_of(drawn: Any, where: str) -> list[Position]:
    """A list of positions, with none that only repeats the one before."""
    positions = [position_of(position, where) for position in items_of(drawn, where)]
    return [here for here, before in zip(positions, [None, *positions], strict=False) if here != before]


def items_of(value: Any, what: str) -> list[Any]:
    """A list with something in it. Raises InvalidOutline."""
    if not isinstance(value, list | tuple) or not value:
        raise InvalidOutline(f"{what} must be a list with something in it and was {shown(value)}")
    return list(value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of more than 308 digits
        return False


def shown(value: Any) -> str:
    """The value as people are told of it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
