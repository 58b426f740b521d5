"""MessagePack in pieces, so that a thread which encodes much does not keep the others waiting for longer than one piece takes.

The bytes are those that `msgspec.msgpack.encode` gives: what is small is left to it, what is large is put together here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

LARGE = 100_000
"""Bytes that are passed on as they are rather than copied."""
AT_ONCE = 500
"""Items of a list that are encoded at once: 0.1 ms."""

_encode = msgspec.msgpack.Encoder().encode


def in_pieces(value: Any) -> Iterator[bytes]:
    """The encoded value."""
    if isinstance(value, Mapping):
        yield _head(len(value), 15, 0x80, (0xDE, 0xDF))
        for key, part in value.items():
            yield _encode(key)
            yield from in_pieces(part)
    elif isinstance(value, list) and len(value) > AT_ONCE:
        yield _head(len(value), 15, 0x90, (0xDC, 0xDD))
        for first in range(0, len(value), AT_ONCE):
            yield b"".join(map(_encode, value[first : first + AT_ONCE]))
    elif isinstance(value, bytes) and len(value) > LARGE:
        yield b"\xc6" + len(value).to_bytes(4, "big")
        yield value
    else:
        yield _encode(value)


def _head(count: int, fits: int, small: int, kinds: tuple[int, int]) -> bytes:
    """What stands before so many items."""
    if count <= fits:
        return bytes([small | count])
    return bytes([kinds[0]]) + count.to_bytes(2, "big") if count < 1 << 16 else bytes([kinds[1]]) + count.to_bytes(4, "big")
