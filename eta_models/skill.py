"""How good a model was lately beside what needs no learning: P50 beside the plan with the deviation, P(late) beside its base rate."""

import numpy as np
from msgspec import Struct

from eta_models.columns import Flags, Floats

MEMORY = 5_000.0
"""Questions over which it is remembered: some hours of a fleet."""


class Skill(Struct):
    """Sums that fade, over questions in the order of their truths; those of `late` only over questions with a window that was open."""

    count: float = 0.0
    error_s: float = 0.0
    plain_error_s: float = 0.0
    windows: float = 0.0
    late: float = 0.0
    square: float = 0.0

    def learn(self, off_s: Floats, plain_off_s: Floats) -> None:
        """How far off P50 was, and the plan with the deviation at the last stop (without a plan: the plain way)."""
        kept, weights = _fading(len(off_s))
        self.count = kept * self.count + float(weights.sum())
        self.error_s = kept * self.error_s + float((weights * np.abs(off_s)).sum())
        self.plain_error_s = kept * self.plain_error_s + float((weights * np.abs(plain_off_s)).sum())

    def learn_late(self, p_late: Floats, late: Flags) -> None:
        """What was said of being late, and whether it was."""
        kept, weights = _fading(len(p_late))
        self.windows = kept * self.windows + float(weights.sum())
        self.late = kept * self.late + float((weights * late).sum())
        self.square = kept * self.square + float((weights * (p_late - late) ** 2).sum())

    def mae_s(self) -> float | None:
        """Mean absolute error of P50 in seconds."""
        return self.error_s / self.count if self.count else None

    def plain_mae_s(self) -> float | None:
        """That of the plan with the deviation."""
        return self.plain_error_s / self.count if self.count else None

    def late_skill(self) -> float | None:
        """Brier skill of P(late): 1 = always right, 0 = no better than the share of late ones; None where none or all were late."""
        share = self.late / self.windows if self.windows else 0.0
        return 1.0 - self.square / self.windows / (share * (1.0 - share)) if 1e-9 < share < 1.0 - 1e-9 else None


def _fading(count: int) -> tuple[float, Floats]:
    """What is left of the sums behind so many questions, and the weight of each of them."""
    weights = (1.0 - 1.0 / MEMORY) ** np.arange(count, -1.0, -1.0)
    return float(weights[0]), weights[1:]
