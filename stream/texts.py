"""What stands in a message, and what may stand in a text: ids and references, hashes, links, and words for people."""

import re

from stream.reasons import Reason

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
"""An id or reference: safe in a Redis key, a URL and a file name, and short enough to keep millions of."""

MAX_TEXT = 256
"""Characters of a text for people, of a metadata key and of a metadata value."""

MAX_BASE64 = 65_536
"""Characters of bytes as text: a piece of a model file."""

MAX_URI = 2_048
"""Characters of a link: signed links to photos are long, and this is what browsers and proxies take."""

_ID = re.compile(ID_PATTERN)
_EXCEPTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,255}")
"""Made of a fleet, a kind and a subject, which are ids themselves."""
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_ID_FIELDS = ("_id", "_ids", "_ref")


def is_id(text: str) -> bool:
    """Whether the text matches `ID_PATTERN` as a whole."""
    return _ID.fullmatch(text) is not None


def judge_text(field: str, text: str) -> Reason | None:
    """Judge the text of a field by the end of the field's name.

    `_id`, `_ids`, `_ref`: an id (`exception_id`: up to 256 characters).
    `_sha256`: 64 hexadecimal digits. `_base64`: at most `MAX_BASE64` ASCII characters.
    Everything else: at most `MAX_TEXT` characters (`_uri`: `MAX_URI`)
    that UTF-8 can carry, without NUL. Empty is a text, but no id.
    """
    if field == "exception_id":
        return None if _EXCEPTION_ID.fullmatch(text) else Reason.BAD_ID
    if field.endswith(_ID_FIELDS):
        return None if text in _good_ids or _admit(text) else Reason.BAD_ID
    if field.endswith("_sha256"):
        return None if _SHA256.fullmatch(text) else Reason.BAD_TEXT
    if field.endswith("_base64"):
        return None if len(text) <= MAX_BASE64 and text.isascii() else Reason.BAD_TEXT
    if len(text) > (MAX_URI if field.endswith("_uri") else MAX_TEXT) or "\0" in text:
        return Reason.BAD_TEXT
    return None if _is_encodable(text) else Reason.BAD_TEXT


KNOWN_TEXTS = 2_048
"""Ids that are remembered: those of vehicles and stops come again and again; those of orders and routes only pass through, and a
larger store would grow for hours by what nobody says twice (60 bytes each and as much for the table)."""

_good_ids: set[str] = set()
"""Ids that were good before: a fleet says the same ones all day, and a look costs a tenth of the pattern."""


def _admit(text: str) -> bool:
    if not is_id(text):
        return False
    if len(_good_ids) >= KNOWN_TEXTS:
        _good_ids.clear()
    _good_ids.add(text)
    return True


def _is_encodable(text: str) -> bool:
    """False for a text with half of a surrogate pair, which Python can hold and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
