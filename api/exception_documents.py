"""What the API answers about exceptions."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from stream.cloud_event import CloudEvent
from stream.proposals import ProposalInShort


class ResponseClock(Struct):
    """When it opened, when somebody saw it, when somebody began to act, when it was over; null = not yet."""

    opened_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acted_at: datetime | None = None
    closed_at: datetime | None = None


class ExceptionNote(Struct):
    """What somebody wrote down."""

    at: datetime | None
    by: str
    text: str


class ExceptionDocument(Struct):
    """An exception: where it is in its life, what it harms, what it rests on, and the newest event about it.

    `status` says among which it is listed; `state` is one of open, acknowledged, assigned, snoozed, resolved, expired, superseded.
    `priority` is the highest of the visits that it harms. `harm` is one entry a visit, the worst first. `proposals` are what could be
    done about it now, the best first, in short; all of each is at `proposals_href`, which is null where there are none.
    """

    exception_id: str
    fleet_id: str
    kind: str
    status: Literal["open", "closed"]
    state: str
    severity: str
    priority: int
    vehicle_id: str | None
    opened_at: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    actionable_until: datetime | None
    tell_first: list[str]
    clock: ResponseClock
    notes: list[ExceptionNote]
    harm: list[dict[str, Any]]
    harm_min: float
    evidence: dict[str, Any]
    proposals: list[ProposalInShort]
    proposals_href: str | None
    event: CloudEvent


class ExceptionPage(Struct):
    """Exceptions, the newest first; `next_cursor` is null on the last page."""

    items: list[ExceptionDocument]
    next_cursor: str | None
