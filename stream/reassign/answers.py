"""What is answered to questions about the fleet as it stands."""

from msgspec import Struct

from stream.messages import RoutePublished, RouteStarted, StopAdded, StopReassigned
from stream.proposals import Proposal, VisitOutlook

Publishing = StopReassigned | StopAdded | RouteStarted | RoutePublished
"""What dispatch says to put a plan into force."""


class Answer(Struct, frozen=True):
    """What would become of every open visit of every vehicle that it touches; `not_possible` says what was left out, and why.

    `publish` are the messages by which dispatch may put it into force (`POST /v1/events`), where it changes plans. Nobody else sends them.
    """

    question_id: str
    asked_for: int
    late_before_s: float
    late_after_s: float
    drive_added_s: float
    late_visit_ids: list[str]
    saved_visit_ids: list[str]
    visits: list[VisitOutlook]
    not_possible: list[str]
    publish: list[Publishing] = []


class Candidate(Struct, frozen=True):
    """A vehicle that could take it, before which of its visits (null: at the end), and all that this would change.

    `publish` are the messages by which dispatch may give it the order (`POST /v1/events`). Nobody else sends them.
    """

    vehicle_id: str
    route_id: str
    before_visit_id: str | None
    impact: Proposal
    publish: list[Publishing] = []


class Candidates(Struct, frozen=True):
    """The best first; none where nobody can."""

    question_id: str
    asked_for: int
    candidates: list[Candidate]
