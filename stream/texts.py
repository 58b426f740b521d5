"""What stands in a message, and what may stand in a text: ids and references, hashes, links, and words for people."""

import re
from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from stream.reasons import Reason

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
"""An id or reference: safe in a Redis key, a URL and a file name, and short enough to keep millions of."""

MAX_TEXT = 256
"""Characters of a text for people, of a metadata key and of a metadata value."""

MAX_URI = 2_048
"""Characters of a link: signed links to photos are long, and this is what browsers and proxies take."""

_ID = re.compile(ID_PATTERN)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_ID_FIELDS = ("_id", "_ids", "_ref")


def is_id(text: str) -> bool:
    """Whether the text matches `ID_PATTERN` as a whole."""
    return _ID.fullmatch(text) is not None


def judge_text(field: str, text: str) -> Reason | None:
    """Judge the text of a field by the end of the field's name.

    `_id`, `_ids`, `_ref`: an id. `_sha256`: 64 hexadecimal digits. Everything else: at most `MAX_TEXT` characters (`_uri`: `MAX_URI`)
    that UTF-8 can carry, without NUL. Empty is a text, but no id.
    """
    if field.endswith(_ID_FIELDS):
        return None if is_id(text) else Reason.BAD_ID
    if field.endswith("_sha256"):
        return None if _SHA256.fullmatch(text) else Reason.BAD_TEXT
    if len(text) > (MAX_URI if field.endswith("_uri") else MAX_TEXT) or "\0" in text:
        return Reason.BAD_TEXT
    return None if _is_encodable(text) else Reason.BAD_TEXT


def _is_encodable(text: str) -> bool:
    """False for a text with half of a surrogate pair, which Python can hold and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def leaves(message: Struct) -> Iterator[tuple[str, object]]:
    """Every value in the message with the name of the field it stands in, breadth first; keys of a dict count as its values."""
    left: deque[tuple[str, object]] = deque([("", message)])
    while left:
        field, value = left.popleft()
        match value:
            case Struct():
                left.extend((name, getattr(value, name)) for name in value.__struct_fields__)
            case dict():
                left.extend((field, part) for pair in value.items() for part in pair)
            case list():
                left.extend((field, part) for part in value)
            case _:
                yield field, value
