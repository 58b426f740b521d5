"""What the API answers about exceptions."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct


class CloudEvent(Struct):
    """An event as it left: CloudEvents 1.0."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    fleetid: str
    sequence: str
    data: dict[str, Any]


class ExceptionDocument(Struct):
    """An exception: when it opened or was resolved, who has seen it, and the newest event about it."""

    exception_id: str
    fleet_id: str
    kind: str
    status: Literal["open", "closed"]
    opened_at: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    event: CloudEvent


class ExceptionPage(Struct):
    """Exceptions, the newest first; `next_cursor` is null on the last page."""

    items: list[ExceptionDocument]
    next_cursor: str | None
