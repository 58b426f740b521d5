"""What of a body is one message: the items of a JSON array, the lines of NDJSON, or the one object that the body is."""

import re

import msgspec

from stream.codec import Rejected, decode
from stream.reasons import Reason

MOST_ITEMS = 10_000
"""Items of one request: a tenth of a second of work, for which everybody else waits."""

MOST_TOKENS = 500_000
"""Quotes, brackets and commas looked at to save the good items of a broken array: a tenth of a second, whatever was sent."""

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_OPENS, _CLOSES, _COMMA = b"[{", b"]}", ord(",")
_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class UnreadableBody(ValueError):
    """A body of which no item can be told from another: `reason`, and what was found."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class TooManyItems(ValueError):
    """A body of more than `MOST_ITEMS` items."""


def items_of(body: bytes, content_type: str = "") -> list[bytes]:
    """The bytes of each item, in the order sent; an empty array has none. Raises UnreadableBody and TooManyItems.

    An item need not be a message, or even JSON: one that is broken does not cost the others, as long as the array is closed.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if content_type.partition(";")[0].strip().lower() in _NDJSON and body:
        items = [line for line in body.split(b"\n") if line.strip()]
    else:
        items = _array(body) if body[:1] == b"[" else _object(body)
    if len(items) > MOST_ITEMS:
        raise TooManyItems(f"{len(items)} items")
    return items


def _object(body: bytes) -> list[bytes]:
    said = decode(body)
    if isinstance(said, Rejected) and (said.reason in {Reason.BAD_JSON, Reason.EMPTY} or body[:1] != b"{"):
        raise UnreadableBody(said.reason, said.detail)
    return [body]


def _array(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _ITEMS.decode(body)]
    except (msgspec.DecodeError, RecursionError) as error:
        items = _split(body)
        if items is None:
            raise UnreadableBody(Reason.BAD_JSON, str(error)) from None
        return items


def _split(body: bytes) -> list[bytes] | None:
    """The items of an array of which one is broken (a NaN is enough), told apart by commas; None for one that is not closed."""
    items: list[bytes] = []
    depth = first = 0
    for count, token in enumerate(_TOKENS.finditer(body)):
        letter = body[token.start()]
        if letter in _OPENS:
            depth += 1
            first = first or token.end()
        elif letter in _CLOSES:
            depth -= 1
        if depth == 0 or (depth == 1 and letter == _COMMA):
            items.append(body[first : token.start()].strip())
            first = token.end()
        if depth == 0 or count > MOST_TOKENS:
            break
    return items if depth == 0 and not body[first:].strip() else None
