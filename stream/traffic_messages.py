"""Traffic as somebody outside sees it."""

from msgspec import Struct

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
