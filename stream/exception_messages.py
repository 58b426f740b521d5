"""Messages about exceptions: what dispatchers do with them, and by which policies they open."""

from msgspec import Struct

from stream.moments import Moment


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """As `Message` in stream/messages.py, which imports this file."""

    fleet_id: str
    at: Moment


class ExceptionDeed(Said, frozen=True, kw_only=True):
    """What somebody (`by`) does with an open exception."""

    exception_id: str
    by: str


class ExceptionAcknowledged(ExceptionDeed, frozen=True, kw_only=True, tag="exception_acknowledged"):
    """A dispatcher has seen the exception."""


class ExceptionAssigned(ExceptionDeed, frozen=True, kw_only=True, tag="exception_assigned"):
    """Somebody takes care of the exception from now on."""

    to: str


class ExceptionSnoozed(ExceptionDeed, frozen=True, kw_only=True, tag="exception_snoozed"):
    """Nobody wants to hear of changes of the exception until then; it still resolves."""

    until: Moment


class ExceptionNoted(ExceptionDeed, frozen=True, kw_only=True, tag="exception_noted"):
    """A remark that stays with the exception."""

    text: str


class PolicyPut(Said, frozen=True, kw_only=True, tag="policy_put"):
    """Fields of the policy of one kind of exceptions, from now on; those that are not named go back to the fleet's settings."""

    kind: str
    fields: dict[str, float | bool] = {}


DeedMessage = ExceptionAcknowledged | ExceptionAssigned | ExceptionSnoozed | ExceptionNoted
ExceptionMessage = DeedMessage | PolicyPut
