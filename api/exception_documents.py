"""What the API answers about exceptions."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from stream.cloud_event import CloudEvent


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
