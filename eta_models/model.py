"""The ETA model of one fleet: the only thing of this floor that the flow talks to.

It is taught at ticks only, in log order, and `export` ends the teaching. Between two ticks nothing changes in what it answers: that is why
an answer never depends on how the log was cut into batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eta_models.chain import chain
from eta_models.columns import Floats
from eta_models.correction import Correction, CorrectionPolicy, group_of
from eta_models.deviation import Deviation, DeviationPolicy
from eta_models.features import SPREAD, by_plan_s, features, scale_s
from eta_models.intervals import IntervalPolicy, Intervals
from eta_models.journeys import Ahead, Estimates, Journeys, LegTaken, StayEnded
from eta_models.lateness import Lateness, LatenessPolicy
from eta_models.legs import LegPolicy, Legs
from eta_models.questions import Questions
from eta_models.ranks import ranks
from eta_models.stays import StayPolicy, Stays


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """The policies of all parts."""

    legs: LegPolicy = field(default_factory=LegPolicy)
    stays: StayPolicy = field(default_factory=StayPolicy)
    deviation: DeviationPolicy = field(default_factory=DeviationPolicy)
    correction: CorrectionPolicy = field(default_factory=CorrectionPolicy)
    intervals: IntervalPolicy = field(default_factory=IntervalPolicy)
    lateness: LatenessPolicy = field(default_factory=LatenessPolicy)


class EtaModel:
    """Learned tables and models of one fleet."""

    def __init__(self, policy: ModelPolicy) -> None:
        self.policy = policy
        self.legs, self.stays, self.deviation = Legs(policy.legs), Stays(policy.stays), Deviation(policy.deviation)
        self.correction = Correction(policy.correction)
        self.intervals, self.lateness = Intervals(policy.intervals), Lateness(policy.lateness)
        self.questions = Questions()

    @property
    def resets(self) -> int:
        """How often a model of this fleet went back to its last good weights."""
        return self.correction.resets + self.lateness.resets

    def estimate(self, journeys: Journeys, ahead: Ahead) -> Estimates:
        """Answer for every remaining visit of every journey; later stops are never answered before earlier ones."""
        plain = chain(journeys, ahead, self.legs, self.stays)
        by_plan = by_plan_s(journeys, ahead)
        transfer = self.deviation.follow(journeys, ahead, plain, self.legs.table)
        base_s = np.maximum(np.where(transfer == transfer, 0.5 * (plain.arrival_s + transfer), plain.arrival_s), 5.0)
        table, group = features(journeys, ahead, plain, transfer, by_plan, base_s), group_of(base_s, ahead.hop)
        experts = self.correction.experts(table, base_s, group, (plain.arrival_s, transfer, by_plan))
        p50_s = in_order(ahead, np.maximum(self.correction.weigh(experts, group), 1.0))
        low, high = self.intervals.bounds(p50_s, ahead.hop, table[:, SPREAD] * scale_s(base_s))
        p10_s, p90_s = np.minimum(in_order(ahead, low), p50_s), np.maximum(in_order(ahead, high), p50_s)
        chance = self.lateness.probability(p10_s, p50_s, p90_s, ahead.closes_in_s)
        return Estimates(p10_s, p50_s, p90_s, chance, plain.service_s, plain.wait_s, table, experts, base_s)

    def learn_leg(self, fact: LegTaken) -> None:
        """A leg was driven: what was not waited out before it is its time; the wait and the deviations teach their own parts."""
        waited_s = 0.0
        if fact.early_s > 0:
            waited_s = fact.early_s * max(float(self.stays.hold(np.array([fact.place]))[0]), 0.0)
            if fact.early_s > self.stays.policy.hold_worth_s:
                self.stays.learn_hold(fact.place, (fact.took_s - self.legs.one_s(fact)) / fact.early_s)
        took_s = max(fact.took_s - waited_s, 1.0)
        self.legs.learn(fact._replace(took_s=took_s, drive_s=min(fact.drive_s, took_s)))
        if fact.deviation_before_s == fact.deviation_before_s and fact.deviation_s == fact.deviation_s:
            self.deviation.learn(self.legs.table, fact.leg, fact.deviation_before_s, fact.deviation_s)

    def learn_stay(self, fact: StayEnded) -> None:
        """A stop was left."""
        self.stays.learn(fact)

    def learn_arrivals(self, truths: Sequence[tuple[int, int]]) -> None:
        """Visits that were reached, in log order: the newest kept question about each, and the time of arrival in microseconds."""
        kept = self.questions
        chains = [(kept.take(newest), arrived_us) for newest, arrived_us in truths]
        rows = np.array([row for chain_rows, _ in chains for row in chain_rows], dtype=np.int64)
        if not len(rows):
            return
        arrived_us = np.repeat(np.array([us for _, us in chains], dtype=np.int64), [len(chain_rows) for chain_rows, _ in chains])
        took_s, hop = (arrived_us - kept.asked_us[rows]) / 1e6, kept.hop[rows].astype(np.int64)
        p10_s, p50_s, p90_s, closes = (column[rows].astype(np.float64) for column in (kept.p10_s, kept.p50_s, kept.p90_s, kept.closes_in_s))
        table, base_s, experts = (column[rows].astype(np.float64) for column in (kept.features, kept.base_s, kept.experts))
        self.correction.learn(table, base_s, hop, experts, took_s)
        self.intervals.learn(p50_s, hop, table[:, SPREAD] * scale_s(base_s), took_s)
        open_then = closes > 0
        self.lateness.learn(self.lateness.features(p10_s, p50_s, p90_s, closes)[open_then], (took_s > closes)[open_then])

    def forget_questions(self, newest: int) -> None:
        """Let go of the questions about a visit that has no truth."""
        self.questions.take(newest)

    def export(self) -> int:
        """Let everything learned so far count from now on (call at a tick); returns how many models were reset to good weights."""
        self.intervals.export()
        self.deviation.export(self.legs)
        return self.correction.export() + self.lateness.export()


def in_order(ahead: Ahead, values: Floats) -> Floats:
    """Raise `values` where needed so that they never fall along a journey."""
    if not ((values[1:] < values[:-1]) & (ahead.hop[1:] > 0)).any():
        return values
    by_hop = ranks(ahead)
    sorted_values = values[by_hop.order]
    for here, before in by_hop.steps():
        sorted_values[here] = np.maximum(sorted_values[here], sorted_values[before])
    return by_hop.back(sorted_values)
