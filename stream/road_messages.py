"""Road times as a routing server knows them."""

from typing import Annotated

from msgspec import Meta, Struct

from stream.moments import Moment

MOST_LEGS = 500


class RoadTime(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the way from one stop to another takes by road, by day and without anything special."""

    from_stop_id: str
    to_stop_id: str
    duration_s: float


class RoadTimesPut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="road_times_put"):
    """What a routing server says of ways between stops. It counts until the fleet has driven them, where no plan has a time for them."""

    fleet_id: str
    at: Moment
    legs: Annotated[list[RoadTime], Meta(min_length=1, max_length=MOST_LEGS)]
    source: str | None = None
