"""How log time follows the clock while a day is played."""

from dataclasses import dataclass

FREE_US, HELD_US = 2**63 - 1, -(2**63)
"""Everything may go; nothing may."""

FASTEST, SLOWEST = 65_536.0, 1 / 16


@dataclass(slots=True)
class Pace:
    """Log time that has come at a moment of the clock, counted from where it last began or was changed, so that it never drifts.

    `speed` is seconds of log time in a second; 0 is as fast as it will go. Moments of the clock are seconds, log times microseconds.
    """

    speed: float
    paused: bool = False
    from_us: int = FREE_US
    """What was received up to here goes at once."""
    from_s: float | None = None
    """When log time stood at `from_us`; None: it stands there still."""

    def begin(self, from_us: int) -> None:
        """Let everything up to a log time go at once, and stand there until `start`."""
        self.from_us, self.from_s = from_us, None

    def start(self, now_s: float) -> None:
        """What was to go at once has gone: from here on log time moves."""
        if self.from_s is None:
            self.from_s = now_s

    def target_us(self, now_s: float) -> int:
        """What was received up to here may go."""
        if self.speed == 0:
            return HELD_US if self.paused else FREE_US
        if self.paused or self.from_s is None:
            return self.from_us
        return self.from_us + int((now_s - self.from_s) * self.speed * 1e6)

    def due_in_s(self, moment_us: int, now_s: float) -> float:
        """Seconds until a log time has come: 0 or less if it has, infinity while paused."""
        ahead_us = moment_us - self.target_us(now_s)
        if ahead_us <= 0:
            return 0.0
        return float("inf") if self.paused or self.speed == 0 else ahead_us / self.speed / 1e6

    def toggle(self, now_s: float) -> None:
        """Pause, or go on from where it stands."""
        self._settle(now_s)
        self.paused = not self.paused

    def scale(self, factor: float, now_s: float) -> None:
        """Go on at another speed, within 1/16 and 65,536; as fast as it will go stays so."""
        self._settle(now_s)
        self.speed = min(max(self.speed * factor, SLOWEST), FASTEST) if self.speed else 0.0

    def skip(self, ahead_us: int, now_s: float) -> None:
        """Let this much more log time go at once."""
        if self.speed:
            self._settle(now_s)
            self.from_us += ahead_us

    def _settle(self, now_s: float) -> None:
        """Count from here."""
        if self.speed and self.from_s is not None:
            self.from_us, self.from_s = self.target_us(now_s), now_s
