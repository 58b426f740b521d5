"""What the API answers about proposals, and to questions."""

from datetime import datetime

from msgspec import Struct

from stream.proposals import Proposal


class ProposalsDocument(Struct):
    """What could be done about an exception, the best first; `actionable_until` is the last moment at which one of them saves a visit.

    `road_times` says by what ways were known that nobody has driven: `models`, `osrm`, `valhalla`, or `models: ` and why no server was.
    """

    exception_id: str
    fleet_id: str
    made_at: datetime | None
    actionable_until: datetime | None
    proposals: list[Proposal]
    road_times: str


class QuestionDocument(Struct):
    """A question that is not answered yet, and where its answer will be."""

    question_id: str
    fleet_id: str
    href: str
