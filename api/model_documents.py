"""What the API answers about models."""

from datetime import datetime

from msgspec import Struct


class ModelDocument(Struct):
    """A model: what it is called, the file it came from, unusual settings, since when, and how many questions it has learned from.

    `mae_s` and `coverage` (P10 to P90) are over the last 5,000 questions that both models were asked; null where there is only one.
    Over the last 5,000 of its own: `p50_mae_s`, beside it `plain_mae_s` of the plan with the deviation at the last stop (without a plan:
    of the plain way), and `late_skill`, the Brier skill of P(late) over the share of late visits; null before there is anything to tell.
    """

    name: str
    model_sha256: str | None
    settings: dict[str, float]
    since: datetime | None
    questions: int
    resets: int
    mae_s: float | None
    coverage: float | None
    p50_mae_s: float | None
    plain_mae_s: float | None
    late_skill: float | None


class ModelsDocument(Struct):
    """The model of a fleet that publishes, and the one beside it."""

    fleet_id: str
    as_of: datetime | None
    champion: ModelDocument
    challenger: ModelDocument | None


class ModelsPage(Struct):
    """Models by fleet."""

    items: list[ModelsDocument]
