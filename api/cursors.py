"""Where a page ends, in an opaque text: whoever asks for the next page hands it back as it was."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, TypeVar

import msgspec
from fastapi import Query

from api.problems import FieldError, invalid
from stream.texts import ID_PATTERN

T = TypeVar("T")

FleetId = Annotated[str | None, Query(pattern=f"^{ID_PATTERN}$", description="Only this fleet.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Items of a page at most.")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before.")]


def cursor_of(*place: str | int) -> str:
    """The cursor of a place."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str, shape: type[T]) -> T:
    """The place of a cursor, a tuple of the shape that was put in. Raises a 422 problem for a text that is no cursor of ours."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=shape)
    except (ValueError, msgspec.MsgspecError) as error:
        raise invalid([FieldError(loc=["query", "cursor"], msg="is none that this API gave", type="bad_cursor")]) from error
