"""How fences of a kind are to be told."""

from msgspec import Struct

from stream.moments import Moment


class FencePolicyPut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="fence_policy_put"):
    """Fields of the policy of one kind of fences, from now on; those that are not named go back to the fleet's settings."""

    fleet_id: str
    at: Moment
    kind: str
    fields: dict[str, float | bool] = {}
