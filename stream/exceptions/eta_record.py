"""Running figures of our own answers: how far off they were, and how often the truth lay within them."""

from msgspec import Struct


class EtaRecord(Struct):
    """Running means over answers in log order: `lately` over about 300, `usual` over about 5,000."""

    count: int = 0
    lately_inside: float = 0.8
    lately_error_s: float = 0.0
    usual_error_s: float = 0.0

    def learn(self, error_s: float, inside: bool) -> None:
        """One answer whose truth has come."""
        self.count += 1
        slow, quick = max(1.0 / self.count, 1.0 / 5_000), max(1.0 / self.count, 1.0 / 300)
        self.lately_inside += (float(inside) - self.lately_inside) / 300
        self.lately_error_s += quick * (error_s - self.lately_error_s)
        self.usual_error_s += slow * (error_s - self.usual_error_s)
