"""Large tables that a copy of a model reads while the model goes on: copied only where they change while somebody reads them."""

import copy
from typing import ClassVar, Self
from weakref import ReferenceType, ref


class Lender:
    """A part of a model that lends `TABLES`. Whatever writes into one of them calls `own` first."""

    TABLES: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.readers: list[ReferenceType[Self]] = []

    def lend(self) -> Self:
        """A reader with the same tables; it must never write into them."""
        reader = copy.copy(self)
        reader.readers = []
        self.readers.append(ref(reader))
        return reader

    def own(self) -> None:
        """Make sure that nobody else reads what is about to change. Most readers are gone by then: a proposal is found within a second."""
        if any(reader() is not None for reader in self.readers):
            for name in self.TABLES:
                setattr(self, name, getattr(self, name).copy())
        self.readers = []
