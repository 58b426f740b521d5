"""A model file on its way through the log, in pieces: entries of over 250 kB kill Valkey, and nothing else has to be carried along."""

import base64
import binascii
from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

from eta_models.columns import MISSING
from stream.codec import encode
from stream.messages import AnyMessage
from stream.model_messages import ChallengerPut, ModelPart, ModelPut
from stream.moments import instant

PART_BYTES = 40_000
"""Bytes of a file in a message: with base64 it stays below what an entry of the log takes at once."""
MOST_PARTS = 800
"""32 MB: a fleet with all its tables full packs into half of it."""
KEEP_US = 3_600_000_000
"""Pieces that nobody asks for are dropped after an hour of log time."""


class Parts(Struct):
    """The pieces that came so far of one file; those of another one take their place."""

    sha256: str = ""
    pieces: dict[int, bytes] = {}
    parts: int = 0
    at_us: int = MISSING

    def put(self, message: ModelPart, now_us: int) -> bool:
        """Keep a piece; False = it cannot be one."""
        if not 0 <= message.part < message.parts <= MOST_PARTS:
            return False
        try:
            piece = base64.b64decode(message.content_base64, validate=True)
        except (binascii.Error, ValueError):
            return False
        if (self.sha256, self.parts) != (message.model_sha256, message.parts):
            self.sha256, self.parts, self.pieces = message.model_sha256, message.parts, {}
        self.pieces[message.part], self.at_us = piece, now_us
        return True

    def take(self, name: str) -> bytes | None:
        """The whole file of this SHA-256, which is forgotten with that; None = not all of it is there, or it is not what it says."""
        if name != self.sha256 or len(self.pieces) != self.parts:
            return None
        whole = b"".join(self.pieces[part] for part in range(self.parts))
        self.clear()
        return whole if sha256(whole).hexdigest() == name.lower() else None

    def clear(self) -> None:
        """Forget what came."""
        self.sha256, self.pieces, self.parts, self.at_us = "", {}, 0, MISSING


def messages_of(fleet_id: str, raw: bytes, at_us: int, model_ref: str | None = None) -> Iterator[bytes]:
    """A model file as messages: its pieces, then that a fleet begins with it, or has it as a challenger named `model_ref`."""
    name, at = sha256(raw).hexdigest(), instant(at_us)
    pieces = [raw[first : first + PART_BYTES] for first in range(0, len(raw), PART_BYTES)]
    last: AnyMessage = ModelPut(fleet_id=fleet_id, at=at, model_sha256=name)
    if model_ref is not None:
        last = ChallengerPut(fleet_id=fleet_id, at=at, model_ref=model_ref, model_sha256=name)
    for part, piece in enumerate(pieces):
        text = base64.b64encode(piece).decode()
        yield encode(ModelPart(fleet_id=fleet_id, at=at, model_sha256=name, part=part, parts=len(pieces), content_base64=text))
    yield encode(last)
