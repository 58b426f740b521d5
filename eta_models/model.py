"""The ETA model of one fleet: the only thing of this floor that the flow talks to.

Between two ticks nothing changes in what it answers: truths are learned by `learn`, in log order, and count from `export` on.
That is why an answer never depends on how the log was cut into batches.
"""

from dataclasses import dataclass, field

import numpy as np

from eta_models.chain import chain
from eta_models.columns import Floats
from eta_models.correction import Correction, CorrectionPolicy
from eta_models.features import by_plan_s, features
from eta_models.intervals import IntervalPolicy, Intervals
from eta_models.journeys import Ahead, Estimates, Journeys, LegTaken, StayEnded
from eta_models.lateness import Lateness, LatenessPolicy
from eta_models.legs import LegPolicy, Legs
from eta_models.questions import Questions
from eta_models.stays import StayPolicy, Stays


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """The policies of all parts."""

    legs: LegPolicy = field(default_factory=LegPolicy)
    stays: StayPolicy = field(default_factory=StayPolicy)
    correction: CorrectionPolicy = field(default_factory=CorrectionPolicy)
    intervals: IntervalPolicy = field(default_factory=IntervalPolicy)
    lateness: LatenessPolicy = field(default_factory=LatenessPolicy)


class EtaModel:
    """Learned tables and models of one fleet."""

    def __init__(self, policy: ModelPolicy) -> None:
        self.policy = policy
        self.legs, self.stays = Legs(policy.legs), Stays(policy.stays)
        self.correction = Correction(policy.correction)
        self.intervals, self.lateness = Intervals(policy.intervals), Lateness(policy.lateness)
        self.questions = Questions()

    def estimate(self, journeys: Journeys, ahead: Ahead) -> Estimates:
        """Answer for every remaining visit of every journey; later stops are never answered before earlier ones."""
        plain = chain(journeys, ahead, self.legs, self.stays)
        by_plan = by_plan_s(journeys, ahead)
        base_s = np.maximum(np.where(by_plan == by_plan, 0.5 * (plain.arrival_s + by_plan), plain.arrival_s), 5.0)
        table = features(journeys, ahead, plain, by_plan, base_s)
        experts = self.correction.experts(table, base_s, ahead.hop, plain.arrival_s, by_plan)
        p50_s = in_order(ahead, np.maximum(self.correction.weigh(experts, base_s, ahead.hop), 1.0))
        low, high = self.intervals.bounds(p50_s, ahead.hop)
        p10_s, p90_s = np.minimum(in_order(ahead, low), p50_s), np.maximum(in_order(ahead, high), p50_s)
        chance = self.lateness.probability(self.lateness.features(p10_s, p50_s, p90_s, ahead.closes_in_s), ahead.closes_in_s)
        return Estimates(p10_s, p50_s, p90_s, chance, plain.service_s, plain.wait_s, table, experts, base_s)

    def learn_leg(self, fact: LegTaken) -> None:
        """A leg was driven."""
        self.legs.learn(fact)

    def learn_stay(self, fact: StayEnded) -> None:
        """A stop was left."""
        self.stays.learn(fact)

    def learn_arrival(self, newest_question: int, arrived_us: int, worth: bool) -> int:
        """The truth to all kept questions about a visit; `worth` False only lets go of them. Returns how many were learned."""
        kept = self.questions
        chain_rows = kept.take(newest_question)
        if not worth:
            return 0
        for row in chain_rows:
            took_s = (arrived_us - int(kept.asked_us[row])) / 1e6
            hop, p50_s, base_s = int(kept.hop[row]), float(kept.p50_s[row]), float(kept.base_s[row])
            self.correction.learn(kept.features[row].astype(np.float64), base_s, hop, kept.experts[row].astype(np.float64), took_s)
            self.intervals.learn(p50_s, hop, took_s)
            self._learn_lateness(row, took_s)
        return len(chain_rows)

    def _learn_lateness(self, row: int, took_s: float) -> None:
        kept, one = self.questions, slice(row, row + 1)
        closes = kept.closes_in_s[one].astype(np.float64)
        if closes[0] > 0:
            quantiles = (column[one].astype(np.float64) for column in (kept.p10_s, kept.p50_s, kept.p90_s))
            self.lateness.learn(self.lateness.features(*quantiles, closes)[0], took_s > closes[0])

    def export(self) -> int:
        """Let everything learned so far count from now on (call at a tick); returns how many models were reset to good weights."""
        self.intervals.export()
        return self.correction.export() + self.lateness.export()


def in_order(ahead: Ahead, values: Floats) -> Floats:
    """Raise `values` where needed so that they never fall along a journey."""
    firsts = np.flatnonzero(ahead.hop == 0)
    lengths = np.diff(np.append(firsts, len(values)))
    for hop in range(1, int(lengths.max(initial=0))):
        rows = firsts[lengths > hop] + hop
        values[rows] = np.maximum(values[rows], values[rows - 1])
    return values
