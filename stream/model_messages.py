"""Messages about models: what another fleet learned, a second model beside a fleet's own, and which of the two publishes."""

from msgspec import Struct

from stream.moments import Moment
from stream.planned_stop import Whole


class _Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """As `Message` in stream/messages.py, which imports this file."""

    fleet_id: str
    at: Moment


class ModelPart(_Said, frozen=True, kw_only=True, tag="model_part"):
    """A piece of a model file (`fleetcast-replay models`), `part` of `parts`, counted from 0; the file's SHA-256 names it."""

    model_sha256: str
    part: Whole
    parts: Whole
    content_base64: str


class ModelPut(_Said, frozen=True, kw_only=True, tag="model_put"):
    """The fleet, which has learned nothing yet, begins with the model whose parts came before."""

    model_sha256: str


class ChallengerPut(_Said, frozen=True, kw_only=True, tag="challenger_put"):
    """A second model from now on, in place of an earlier one: the one whose parts came before, else a copy of the fleet's own."""

    model_ref: str
    model_sha256: str | None = None
    settings: dict[str, float] = {}


class ChallengerDropped(_Said, frozen=True, kw_only=True, tag="challenger_dropped"):
    """No second model any more."""

    model_ref: str


class ModelPromoted(_Said, frozen=True, kw_only=True, tag="model_promoted"):
    """The second model publishes from now on. The other one goes on beside it (`keep`), or is dropped."""

    model_ref: str
    keep: bool = True


ModelMessage = ModelPart | ModelPut | ChallengerPut | ChallengerDropped | ModelPromoted
