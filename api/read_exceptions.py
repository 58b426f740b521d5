"""Exceptions as documents: where they stand, and the newest event about them."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from api.exception_documents import ExceptionDocument, ExceptionNote, ResponseClock
from eta_models.columns import MISSING
from stream.cloud_event import CloudEvent
from stream.moments import instant, instant_or_none
from stream.proposals import ProposalInShort


class _Acknowledged(msgspec.Struct):
    """What of an acknowledgement is shown: who, and when."""

    time: datetime
    data: dict[str, object]


class _Told(msgspec.Struct):
    """What of an exception's newest event is shown beside it."""

    status: str = ""
    severity: str = "medium"
    priority: int = 0
    vehicle_id: str | None = None
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None
    actionable_until: datetime | None = None
    tell_first: list[str] = []
    clock: ResponseClock = msgspec.field(default_factory=ResponseClock)
    notes: list[ExceptionNote] = []
    harm: list[dict[str, Any]] = []
    harm_min: float = 0.0
    evidence: dict[str, Any] = {}


class _Envelope(msgspec.Struct):
    data: _Told


class _Offered(msgspec.Struct):
    """What of its proposals is shown with it."""

    actionable_until_us: int = MISSING
    proposals: list[ProposalInShort] = []


_event = msgspec.json.Decoder(CloudEvent)
_offered = msgspec.json.Decoder(_Offered)
_told = msgspec.json.Decoder(_Envelope)
_acknowledged = msgspec.json.Decoder(_Acknowledged)


def kind_of(exception_id: str, fleet_id: str) -> str:
    """The kind of an exception, which stands in its id behind the fleet."""
    return exception_id.removeprefix(f"{fleet_id}:").partition(":")[0]


def exception_document(
    exception_id: str,
    fleet_id: str,
    status: Literal["open", "closed"],
    since_us: int,
    event: bytes,
    acknowledged: bytes | None,
    proposals: bytes | None,
) -> ExceptionDocument:
    """An exception; `since_us` is when it opened, or for a closed one when it was over."""
    told, seen = _told.decode(event).data, None if acknowledged is None else _acknowledged.decode(acknowledged)
    offered = _Offered() if proposals is None or status == "closed" else _offered.decode(proposals)
    return ExceptionDocument(
        exception_id=exception_id,
        fleet_id=fleet_id,
        kind=kind_of(exception_id, fleet_id),
        status=status,
        state=told.status or status,
        severity=told.severity,
        priority=told.priority,
        vehicle_id=told.vehicle_id,
        opened_at=instant(since_us) if status == "open" else told.clock.opened_at,
        resolved_at=instant(since_us) if status == "closed" else None,
        acknowledged_at=told.clock.acknowledged_at or (None if seen is None else seen.time),
        acknowledged_by=told.acknowledged_by or (None if seen is None else str(seen.data.get("by", ""))),
        assigned_to=told.assigned_to,
        snoozed_until=told.snoozed_until,
        actionable_until=instant_or_none(offered.actionable_until_us) or told.actionable_until,
        tell_first=told.tell_first,
        clock=told.clock,
        notes=told.notes,
        harm=told.harm,
        harm_min=told.harm_min,
        evidence=told.evidence,
        proposals=offered.proposals,
        proposals_href=f"/v1/exceptions/{quote(exception_id)}/proposals?fleet_id={quote(fleet_id)}" if offered.proposals else None,
        event=_event.decode(event),
    )
