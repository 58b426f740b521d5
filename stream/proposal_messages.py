"""The messages by which proposals come back into the log, and by which they are accepted."""

from typing import Annotated

from msgspec import Meta, Struct

from stream.moments import Moment
from stream.planned_stop import Whole
from stream.proposals import Proposal


class ProposalsMade(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="proposals_made"):
    """What a solver found that could be done about an exception, the best first; they replace the ones before.

    `made_for` is the log position at which the fleet stood as the solver saw it. `road_times` says by what ways were known that nobody has
    driven: the ETA models, or a routing server.
    """

    fleet_id: str
    at: Moment
    exception_id: str
    made_for: Whole
    actionable_until: Moment | None = None
    road_times: str = "models"
    proposals: Annotated[list[Proposal], Meta(max_length=16)]


class ProposalAccepted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="proposal_accepted"):
    """Dispatch, or a rule of the fleet, has accepted a proposal."""

    fleet_id: str
    at: Moment
    exception_id: str
    number: Whole
    by: str
