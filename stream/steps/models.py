"""Models that come through the log: a prior for a fleet that has learned nothing, a challenger beside its own model, a promotion.

All are barriers: between two of them no vehicle sees that a model changes.
"""

from eta_models.contest import Contest, Named
from eta_models.graft import graft, share
from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_file import BadModel, learned, pack, unpack
from eta_models.model_settings import wrong_settings
from stream.fleet import FleetState
from stream.model_messages import ChallengerDropped, ChallengerPut, ModelMessage, ModelPart, ModelPromoted, ModelPut
from stream.outputs import Event, Outputs
from stream.reasons import Reason
from stream.steps.statuses import Facts


def change_models(policy: ModelPolicy, state: FleetState, facts: Facts, message: ModelMessage, out: Outputs) -> Reason | None:
    """Apply one message about models; a reason where it cannot be."""
    match message:
        case ModelPart():
            return None if state.parts.put(message, facts.now_us) else Reason.BAD_MODEL
        case ModelPut():
            reason = _begin(policy, state, message)
        case ChallengerPut():
            reason = _challenge(policy, state, message)
        case ChallengerDropped() | ModelPromoted():
            if state.contest is None or state.contest.named.name != message.model_ref:
                return Reason.UNKNOWN_MODEL
            reason = None
            if isinstance(message, ModelPromoted):
                state.model, state.named = state.contest.promote(state.model, state.named)
            if isinstance(message, ChallengerDropped) or not message.keep:
                state.contest = None
    if reason is None:
        _tell(state, facts, str(message.__struct_config__.tag), out)
    return reason


def begin_with(policy: ModelPolicy, state: FleetState, raw: bytes) -> None:
    """Let a fleet that has learned nothing begin with what stands in a model file. Raises `BadModel`."""
    file = unpack(raw, policy)
    graft(file.model, state.model)
    file.model.questions = state.model.questions
    state.model = file.model
    state.named = Named(f"prior-{file.sha256[:8]}", file.about.settings, file.sha256, max(state.now_us, 0))


def challenge(policy: ModelPolicy, state: FleetState, name: str, raw: bytes | None, settings: dict[str, float]) -> None:
    """Set a model beside the fleet's own: of a file, else a copy; with settings of its own. Raises `BadModel`."""
    own = pack(state.model, state.fleet_id, state.now_us, state.named.settings, general=False) if raw is None else raw
    file = unpack(own, policy, settings or None)
    if raw is None:
        share(file.model, state.model)
        file.model.trackers.load(*state.model.trackers.dump())
        file.model.trips.lately.load(*state.model.trips.lately.dump())
    else:
        graft(file.model, state.model)
    named = Named(name, settings or file.about.settings, None if raw is None else file.sha256, max(state.now_us, 0))
    state.contest = Contest(named, file.model)


def models_of(state: FleetState) -> list[EtaModel]:
    """All that learn."""
    return [state.model] if state.contest is None else [state.model, state.contest.model]


def _begin(policy: ModelPolicy, state: FleetState, message: ModelPut) -> Reason | None:
    if state.named.sha256 == message.model_sha256 or learned(state.model):
        state.parts.clear()
        return Reason.DUPLICATE if state.named.sha256 == message.model_sha256 else Reason.HAS_LEARNED
    raw = state.parts.take(message.model_sha256)
    if raw is None:
        return Reason.BAD_MODEL
    try:
        begin_with(policy, state, raw)
    except BadModel:
        return Reason.BAD_MODEL
    return None


def _challenge(policy: ModelPolicy, state: FleetState, message: ChallengerPut) -> Reason | None:
    raw = None if message.model_sha256 is None else state.parts.take(message.model_sha256)
    if wrong_settings(message.settings) is not None:
        return Reason.BAD_POLICY
    if raw is None and message.model_sha256 is not None:
        return Reason.BAD_MODEL
    try:
        challenge(policy, state, message.model_ref, raw, message.settings)
    except BadModel:
        return Reason.BAD_MODEL
    return None


def _tell(state: FleetState, facts: Facts, change: str, out: Outputs) -> None:
    contest = state.contest
    data: dict[str, object] = {
        "change": change,
        "model": state.named.name,
        "model_sha256": state.named.sha256,
        "challenger": None if contest is None else contest.named.name,
        "challenger_sha256": None if contest is None else contest.named.sha256,
    }
    state.model_changes += 1
    event = Event("model_changed", str(state.model_changes), f"fleet/{state.fleet_id}", facts.at_us, facts.now_us, data)
    out.emit(facts.position, event)
