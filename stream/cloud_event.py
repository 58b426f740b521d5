"""The envelope in which events leave: CloudEvents 1.0 in structured JSON. It needs nothing else of the flow, so that readers may use it."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class CloudEvent(Struct, frozen=True):
    """The envelope. `sequence` counts the fleet's events without gaps; `time` is when it happened, `data.detected_at` when it was known."""

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
