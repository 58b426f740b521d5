"""Traffic as somebody outside sees it."""

from typing import Annotated

from msgspec import Meta, Struct

from stream.moments import Moment


class TrafficPut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="traffic_put"):
    """Ways into an area take `factor` times as long as usually, from now or `valid_from` until `valid_until`, else for an hour.

    It replaces what was said of the area before; a factor of 1 takes that back.
    """

    fleet_id: str
    at: Moment
    cell: str
    factor: float
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    source: str | None = None


class TrafficSpeedsPut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="traffic_speeds_put"):
    """How fast traffic moves in an area by hour of the day, from now until `valid_until`, else for a day; it replaces what was said before.

    Ways into the area take as many times as long as the fleet has come through it faster than that. What `traffic_put` says of now goes
    before it.
    """

    fleet_id: str
    at: Moment
    cell: str
    speeds_mps: Annotated[list[float | None], Meta(min_length=24, max_length=24)]
    valid_until: Moment | None = None
    source: str | None = None
