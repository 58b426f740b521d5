"""Exceptions as documents: where they stand, and the newest event about them."""

from datetime import datetime
from typing import Literal

import msgspec

from api.exception_documents import ExceptionDocument
from stream.cloud_event import CloudEvent
from stream.moments import instant


class _Acknowledged(msgspec.Struct):
    """What of an acknowledgement is shown: who, and when."""

    time: datetime
    data: dict[str, object]


_event = msgspec.json.Decoder(CloudEvent)
_acknowledged = msgspec.json.Decoder(_Acknowledged)


def kind_of(exception_id: str, fleet_id: str) -> str:
    """The kind of an exception, which stands in its id behind the fleet."""
    return exception_id.removeprefix(f"{fleet_id}:").partition(":")[0]


def exception_document(
    exception_id: str, fleet_id: str, status: Literal["open", "closed"], since_us: int, event: bytes, acknowledged: bytes | None
) -> ExceptionDocument:
    """An exception; `since_us` is when it opened, or for a closed one when it was resolved."""
    seen = None if acknowledged is None else _acknowledged.decode(acknowledged)
    return ExceptionDocument(
        exception_id=exception_id,
        fleet_id=fleet_id,
        kind=kind_of(exception_id, fleet_id),
        status=status,
        opened_at=instant(since_us) if status == "open" else None,
        resolved_at=instant(since_us) if status == "closed" else None,
        acknowledged_at=None if seen is None else seen.time,
        acknowledged_by=None if seen is None else str(seen.data.get("by", "")),
        event=_event.decode(event),
    )
