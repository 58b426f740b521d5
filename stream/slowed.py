"""What a fleet keeps of traffic that was told of."""

from msgspec import Struct


class Slowed(Struct, frozen=True, array_like=True):
    """Of one area: how many times as long ways into it take, from when until when, since when that is known, and who says so."""

    factor: float
    from_us: int
    until_us: int
    at_us: int
    source: str | None = None


class ToldSpeeds(Struct, frozen=True, array_like=True):
    """Of one area: metres a second by local hour (None = not said), until when, since when that is known, and who says so."""

    mps: tuple[float | None, ...]
    until_us: int
    at_us: int
    source: str | None = None
