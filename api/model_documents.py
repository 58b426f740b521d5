"""What the API answers about models."""

from datetime import datetime

from msgspec import Struct


class ModelDocument(Struct):
    """A model: what it is called, the file it came from, unusual settings, since when, and how many questions it has learned from.

    `mae_s` and `coverage` (P10 to P90) are over the last 5,000 questions that both models were asked; null where there is only one.
    """

    name: str
    model_sha256: str | None
    settings: dict[str, float]
    since: datetime | None
    questions: int
    resets: int
    mae_s: float | None
    coverage: float | None


class ModelsDocument(Struct):
    """The model of a fleet that publishes, and the one beside it."""

    fleet_id: str
    as_of: datetime | None
    champion: ModelDocument
    challenger: ModelDocument | None


class ModelsPage(Struct):
    """Models by fleet."""

    items: list[ModelsDocument]
