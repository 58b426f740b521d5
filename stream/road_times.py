"""Road times that a routing server knows, as whoever solves something asks for them."""

from typing import Protocol

from eta_models.columns import Floats, Ints


class RoadTimes(Protocol):
    """Whoever asks a server. It never fails: where the server does, `source` says why, and nothing is known."""

    source: str

    def matrix(self, lat: Floats, lon: Floats, starts: Ints, ends: Ints) -> Floats:
        """Seconds from each of the places `starts` to each of `ends`, shape (starts, ends); NaN where nobody knows."""
        ...
