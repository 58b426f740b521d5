"""Policies of kinds of fences as dispatch changes them through the log."""

from stream.fence_messages import FencePolicyPut
from stream.fleet import FleetState
from stream.reasons import Reason

MOST_KINDS = 256
"""Kinds of fences with a policy from the log: more are invented ones."""


def put_fence_policy(state: FleetState, now_us: int, message: FencePolicyPut) -> Reason | None:
    """Take fields of a kind's policy from now on, which are judged; none give the kind back to the settings.

    Vehicles in or near such fences go by it from their next fix on.
    """
    told, kind = state.fence_told, message.kind
    if message.fields and kind not in told and len(told) >= MOST_KINDS:
        return Reason.TOO_LARGE
    told.pop(kind, None)
    state.fence_told_us.pop(kind, None)
    if message.fields:
        told[kind], state.fence_told_us[kind] = dict(sorted(message.fields.items())), now_us
    state.fence_rules = None
    return None
