"""What the state of a fleet keeps of proposals."""

from msgspec import Struct

from eta_models.columns import MISSING
from stream.proposals import Proposal


class OpenProposals(Struct, frozen=True):
    """What could be done about an exception, since when that is known, and until when something still helps (`MISSING` = nothing does)."""

    exception_id: str
    made_us: int
    made_for: int
    actionable_until_us: int
    proposals: list[Proposal]
    road_times: str = "models"


class Settling(Struct, frozen=True):
    """A visit of an accepted proposal: what was expected of it then, to be compared with what comes.

    `late_s` is how late it was to be, `before_s` how late it would have been otherwise.
    """

    exception_id: str
    number: int
    accepted_us: int
    eta_us: int = MISSING
    late_s: float = 0.0
    before_s: float = 0.0
    moved: bool = False
