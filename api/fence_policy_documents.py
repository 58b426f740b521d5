"""What is answered about policies of kinds of fences."""

from datetime import datetime

from msgspec import Struct


class FencePolicyDocument(Struct):
    """When fences of a kind count as entered and left: all fields in force, which of them were put, and since when.

    `since` is null and `put` empty where nothing was said: the usual policy holds. `fences` counts those of the kind that there are.
    """

    fleet_id: str
    kind: str
    fields: dict[str, float | bool]
    put: list[str]
    since: datetime | None
    fences: int


class FencePoliciesPage(Struct):
    """By fleet and kind: every kind that a fence has, or of which something was put. `usual` holds of all others."""

    usual: dict[str, float | bool]
    items: list[FencePolicyDocument]
