"""What is to be written of the present after a stretch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from stream.live.apiece import apiece

Thing = TypeVar("Thing")


@dataclass(slots=True)
class Changes:
    """What to write: for each kind of key (`keys.OF_A_FLEET`) fields and values one after the other, and fields to remove."""

    replace: bool = False
    """Everything is in here: what stood there before goes."""
    puts: dict[str, list[str | bytes]] = field(default_factory=dict)
    removals: dict[str, list[str]] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    old_orders: list[str] = field(default_factory=list)
    cells: bytes | None = None
    totals: bytes = b""

    def put(self, kind: str, name: str, value: str | bytes) -> None:
        """One field of a hash."""
        self.puts.setdefault(kind, []).extend((name, value))

    def show(self, kind: str, things: Sequence[Thing], view: Callable[[Thing], tuple[str, object]]) -> None:
        """Fields with documents that `view` makes of things; one on which it fails stays as it stands."""

        def put(some: list[Thing]) -> None:
            told = [(name, msgspec.json.encode(document)) for name, document in map(view, some)]
            self.puts.setdefault(kind, []).extend(part for pair in told for part in pair)

        apiece(kind, things, put)

    def remove(self, kind: str, names: Iterable[str]) -> None:
        """Fields of a hash."""
        self.removals.setdefault(kind, []).extend(names)
