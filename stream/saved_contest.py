"""A second model as a checkpoint has it."""

from msgspec import Struct

from eta_models.contest import Contest, Named, Record
from eta_models.graft import share
from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_bytes import dump_model, load_model
from eta_models.model_settings import with_settings


class SavedContest(Struct, frozen=True, array_like=True):
    """Names as in `Contest`."""

    named: Named
    model: bytes
    champion: Record
    challenger: Record


def save_contest(contest: Contest) -> SavedContest:
    """All of it; names of legs, places and areas are in there once more."""
    return SavedContest(contest.named, dump_model(contest.model), contest.champion, contest.challenger)


def load_contest(saved: SavedContest, fleet: EtaModel, policy: ModelPolicy) -> Contest:
    """What `save_contest` took, beside the fleet's own model. Raises what `load_model` raises."""
    model = load_model(saved.model, with_settings(policy, saved.named.settings))
    share(model, fleet)
    return Contest(saved.named, model, saved.champion, saved.challenger)
