"""`stop_failed`: an attempt failed. Says how many there were, and when to try again."""

from dataclasses import dataclass

from eta_models.columns import MISSING
from stream.exceptions.harm import open_visits
from stream.exceptions.kind_policy import FactPolicy
from stream.fleet import FleetState

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class StopFailedPolicy(FactPolicy):
    """When another attempt makes sense."""

    retry_after_s: float = 7_200.0
    """Who was not at home is seldom back sooner than in two hours."""
    most_attempts: float = 3
    """After so many the goods go back."""
    stands_s: float = 86_400.0
    """It expires after a day."""


def try_again_us(policy: StopFailedPolicy, state: FleetState, row: int, visit: int, at_us: int, attempts: int) -> int:
    """When to try again, `MISSING` = not at all: behind the last stop of the same round if the window allows, else next day."""
    if attempts >= policy.most_attempts:
        return MISSING
    visits, rest = state.visits, open_visits(state, row)
    last_us = int(visits.p50_us[rest[-1]]) if rest else at_us
    soonest_us = max(at_us + round(policy.retry_after_s * 1e6), last_us)
    closes_us, opens_us = int(visits.closes_us[visit]), int(visits.opens_us[visit])
    if closes_us != MISSING and soonest_us <= closes_us:
        return max(soonest_us, opens_us)
    return DAY_US + (opens_us if opens_us != MISSING else closes_us if closes_us != MISSING else at_us)
