"""Messages that stand in a log to which their fleet does not belong."""

from collections.abc import Iterator

from stream.batches import FleetBatch, Refusal
from stream.reasons import Reason


def strays(batch: FleetBatch) -> Iterator[Refusal]:
    """Refusals of all messages of a batch."""
    p = batch.pings
    for position, received_us, vehicle in zip(p.position.tolist(), p.received_us.tolist(), p.vehicle.tolist(), strict=True):
        yield Refusal(position, received_us, Reason.WRONG_PARTITION, "ping", p.names[vehicle])
    for notice in batch.notices:
        kind, vehicle_id = str(notice.message.__struct_config__.tag), getattr(notice.message, "vehicle_id", "") or ""
        yield Refusal(notice.position, notice.received_us, Reason.WRONG_PARTITION, kind, vehicle_id)
