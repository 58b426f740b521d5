"""Between the message that puts a fence and the fence: validity, tags and whose it is."""

from dataclasses import replace

import msgspec

from geofences.fences import ALWAYS_US, FOR_EVER_US, Fence, fence_of
from stream.messages import FencePut
from stream.moments import instant, micros


def fence_from(put: FencePut) -> Fence:
    """The fence that a message puts. Raises `InvalidFence` with the reason and the place of the flaw."""
    return replace(
        fence_of(put.fence_id, put.geometry, put.kind, put.name, put.radius_m, put.width_m),
        tags=tuple(put.tags),
        valid_from_us=ALWAYS_US if put.valid_from is None else micros(put.valid_from),
        valid_until_us=FOR_EVER_US if put.valid_until is None else micros(put.valid_until),
        vehicle_ids=tuple(put.vehicle_ids),
        vehicle_tags=tuple(put.vehicle_tags),
    )


def put_of(fleet_id: str, fence: Fence, at_us: int) -> FencePut:
    """The message that puts the fence as it was drawn; `fence_from` gives an equal fence back. `at_us`: microseconds since 1970 UTC."""
    drawn = fence.as_drawn()
    return FencePut(
        fleet_id=fleet_id,
        at=instant(at_us),
        fence_id=fence.fence_id,
        kind=fence.kind,
        name=fence.name,
        geometry=msgspec.json.decode(drawn.geometry),
        radius_m=drawn.radius_m,
        width_m=drawn.width_m,
        tags=list(fence.tags),
        valid_from=None if fence.valid_from_us == ALWAYS_US else instant(fence.valid_from_us),
        valid_until=None if fence.valid_until_us == FOR_EVER_US else instant(fence.valid_until_us),
        vehicle_ids=list(fence.vehicle_ids),
        vehicle_tags=list(fence.vehicle_tags),
    )
