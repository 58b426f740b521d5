"""The ETA model of one fleet: the only thing of this floor that the flow talks to.

It is taught at ticks only, in log order, and `export` ends the teaching. Between two ticks nothing changes in what it answers: that is why
an answer never depends on how the log was cut into batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eta_models.chain import chain
from eta_models.columns import Floats, Ints
from eta_models.correction import CELLS, EXPERTS, Correction, CorrectionPolicy, cell_of, group_of
from eta_models.daily import Daily
from eta_models.deviation import Deviation, DeviationPolicy
from eta_models.features import FIX_AGE_S, NAMES, Answers, by_plan_s, features, scale_s
from eta_models.intervals import IntervalPolicy, Intervals, kind_of
from eta_models.journeys import Ahead, Estimates, Journeys, LegTaken, Reached, StayEnded
from eta_models.lateness import Asked, Lateness, LatenessPolicy
from eta_models.legs import LegPolicy, Legs
from eta_models.outlooks import outlooks
from eta_models.questions import Answered, Questions
from eta_models.restraint import REGIMES, Restraint, regime_of
from eta_models.runs import LONGEST_S, RunPolicy, Runs
from eta_models.second_look import SecondLook, SecondLookPolicy
from eta_models.skill import Skill
from eta_models.spread import Spread, SpreadPolicy
from eta_models.stays import StayPolicy, Stays
from eta_models.trackers import TrackerPolicy, Trackers
from eta_models.trips import TripPolicy, Trips

BY_PLAN = EXPERTS.index("by_plan")


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """The policies of all parts."""

    legs: LegPolicy = field(default_factory=LegPolicy)
    stays: StayPolicy = field(default_factory=StayPolicy)
    deviation: DeviationPolicy = field(default_factory=DeviationPolicy)
    correction: CorrectionPolicy = field(default_factory=CorrectionPolicy)
    intervals: IntervalPolicy = field(default_factory=IntervalPolicy)
    runs: RunPolicy = field(default_factory=RunPolicy)
    trackers: TrackerPolicy = field(default_factory=TrackerPolicy)
    trips: TripPolicy = field(default_factory=TripPolicy)
    spread: SpreadPolicy = field(default_factory=SpreadPolicy)
    lateness: LatenessPolicy = field(default_factory=LatenessPolicy)
    second_look: SecondLookPolicy = field(default_factory=SecondLookPolicy)
    plenty: int = 5_000
    """Once so many questions have taught, every third is enough for the River models: neighbours repeat each other."""
    ask_every: int = 1
    """Of the kept questions about a visit, the model learns from each so many-th."""


class EtaModel:
    """Learned tables and models of one fleet."""

    def __init__(self, policy: ModelPolicy) -> None:
        self.policy = policy
        self.legs, self.stays, self.deviation = Legs(policy.legs), Stays(policy.stays), Deviation(policy.deviation)
        self.correction = Correction(policy.correction)
        self.intervals, self.lateness = Intervals(policy.intervals), Lateness(policy.lateness)
        self.runs, self.daily, self.trackers = Runs(policy.runs), Daily(), Trackers(policy.trackers)
        self.trips = Trips(policy.trips)
        self.spread = Spread(policy.spread)
        self.second_look, self.restraint = SecondLook(policy.second_look), Restraint(REGIMES * CELLS)
        self.questions, self.skill = Questions(), Skill()

    @property
    def resets(self) -> int:
        """How often a model of this fleet went back to its last good weights."""
        return (
            self.correction.resets + self.spread.resets + self.lateness.resets + self.second_look.network.resets + self.trips.network.resets
        )

    def estimate(self, journeys: Journeys, ahead: Ahead) -> Estimates:
        """Answer for every remaining visit of every journey; later stops are never answered before earlier ones."""
        found, firsts = self._answers(journeys, ahead), ahead.hop == 0
        plain, base_s = found.plain, found.base_s
        slots = self.trackers.slots(journeys, ahead)
        table = features(journeys, ahead, found, self.trackers.off(slots, journeys.now_s[ahead.journey]))
        group = group_of(base_s, ahead.hop)
        cell = cell_of(group)
        experts = self.correction.experts(table, base_s, ahead.hop, (plain.arrival_s, found.transfer_s, found.by_plan_s))
        first_s = np.maximum(self.correction.weigh(experts, group), 1.0)
        looked_s = self.second_look.looked_s(
            self.second_look.inputs(table, experts, base_s, first_s, journeys.now_s[ahead.journey]), base_s, first_s
        )
        learned_s = self.second_look.weigh(first_s, looked_s, cell)
        regime = regime_of(journeys, plain.here_s)[ahead.journey]
        held_s = self.restraint.hold(regime * CELLS + cell, experts[:, BY_PLAN], learned_s)
        p50_s = in_order(ahead, np.maximum(held_s, 1.0))
        width_s = self.spread.expected(table) * scale_s(p50_s)
        low, high = self.intervals.bounds(p50_s, kind_of(ahead.hop, journeys.fix_age_s[ahead.journey]), width_s)
        p10_s, p90_s = (in_order(ahead, bound) for bound in (low, high))
        p10_s, p90_s = np.minimum(p10_s, p50_s), np.maximum(p90_s, p50_s)
        return Estimates(
            p10_s, p50_s, p90_s,
            p_late=self.lateness.probability(Asked(p10_s, p50_s, p90_s, width_s, ahead.closes_in_s, table)),
            service_s=plain.service_s,
            wait_s=plain.wait_s,
            features=table,
            experts=np.column_stack([experts, looked_s]),
            base_s=base_s,
            width_s=width_s,
            lead_s=np.where(firsts & ~ahead.again, journeys.lead_s[ahead.journey], 0.0),
            first_s=plain.first_s[ahead.journey],
            slots=slots,
            regime=regime,
        )  # fmt: skip

    def _answers(self, journeys: Journeys, ahead: Ahead) -> Answers:
        """What the plain estimates say."""
        plain = chain(journeys, ahead, self.legs, self.stays, self.runs, self.trips.left_s(journeys.trip, journeys.now_s))
        ways = outlooks(journeys, ahead, plain, self.legs, self.stays, self.daily)
        from_here, from_last = self.deviation.follow(journeys, ahead, plain, ways.lead_s, self.legs.table)
        by_plan = by_plan_s(journeys, ahead)
        base_s = self.correction.base((plain.arrival_s, from_here, by_plan), ahead.hop)
        return Answers(plain, from_here, from_last, by_plan, ways, base_s)

    def learn_leg(self, fact: LegTaken) -> None:
        """A leg was driven: what was not waited out before it is its time; the wait and the deviations teach their own parts.

        What it took beyond the usual because of traffic that was told of is not learned.
        """
        waited_s = 0.0
        if fact.early_s > 0:
            waited_s = fact.early_s * max(float(self.stays.hold(np.array([fact.place]))[0]), 0.0)
            if fact.early_s > self.stays.policy.hold_worth_s:
                self.stays.learn_hold(fact.place, (fact.took_s - self.legs.one_s(fact)) / fact.early_s)
        took_s, slowed = max(fact.took_s - waited_s, 1.0), self.legs.slowed_then(fact)
        usual = fact._replace(took_s=took_s / slowed, drive_s=min(fact.drive_s, took_s) / slowed)
        self._learn_run(fact, slowed)
        self.legs.learn(usual)
        if fact.deviation_s == fact.deviation_s:
            self.daily.learn(fact.leg, fact.minute, usual.took_s, fact.deviation_s)
        if fact.deviation_before_s == fact.deviation_before_s and fact.deviation_s == fact.deviation_s:
            self.deviation.learn(self.legs.table, fact.leg, fact.deviation_before_s, fact.deviation_s)

    def _learn_run(self, fact: LegTaken, slowed: float) -> None:
        """Where the vehicle was on the leg; only a leg that is driven a second time gets room for it."""
        table = self.legs.table
        if fact.leg < 0 or not fact.run or table.seen[fact.leg] < 1:
            return
        if table.runs[fact.leg] < 0:
            table.runs[fact.leg] = self.runs.room()
        if table.runs[fact.leg] >= 0:
            samples = np.frombuffer(fact.run, dtype=np.float16).reshape(-1, 4).astype(np.float64)
            samples[:, 3] = np.minimum(samples[:, 3] / slowed, LONGEST_S)
            self.runs.learn(int(table.runs[fact.leg]), samples)

    def trim_legs(self, live: Ints) -> Ints | None:
        """Forget legs that are too many (at a tick); the new row of every old one, -1 = forgotten; None = nothing moved."""
        number = self.legs.trim(live)
        if number is not None:
            self.legs_moved()
        return number

    def legs_moved(self) -> None:
        """Legs were forgotten and the others have new rows: what was kept of the forgotten ones goes too."""
        self.runs.trim(self.legs.table.runs[: self.legs.table.count].astype(np.int64))
        self.daily.forget()

    def learn_stay(self, fact: StayEnded) -> None:
        """A stop was left."""
        self.stays.learn(fact)

    def learn_arrivals(self, reached: Sequence[Reached]) -> None:
        """Visits that were reached, in log order."""
        answered = self.questions.answered_by(reached)
        if len(answered.rows):
            self.learn_answers(answered)

    def learn_answers(self, answered: Answered) -> None:
        """Questions whose truth came, in the order of their truths; those that it was not asked are passed over."""
        kept = self.questions
        answered = answered.of(kept.asked_us)
        rows, took_s = answered.rows, answered.took_s
        if not len(rows):
            return
        hop = kept.hop[rows].astype(np.int64)
        columns = (kept.p10_s, kept.p50_s, kept.p90_s, kept.width_s, kept.closes_in_s)
        p10_s, p50_s, p90_s, width_s, closes = (column[rows].astype(np.float64) for column in columns)
        table, experts, base_s = kept.answered(rows)
        experts, looked_s = np.ascontiguousarray(experts[:, : len(EXPERTS)]), experts[:, len(EXPERTS)]
        group = group_of(base_s, hop)
        first_s = np.maximum(self.correction.weigh(experts, group), 1.0)
        inputs = self.second_look.inputs(table, experts, base_s, first_s, kept.asked_us[rows] / 1e6)
        self._learn_lingering(answered.left_place, kept.lead_s[rows].astype(np.float64), took_s - kept.first_s[rows])
        of = answered.of_trips
        self.trips.learn(answered.trips, took_s[of], answered.asked_us[of] / 1e6, answered.newest_s)
        cell, scale = cell_of(group), scale_s(base_s)
        learned_s = self.second_look.weigh(first_s, looked_s, cell)
        kind = kept.regime[rows].astype(np.int64) * CELLS + cell
        self.restraint.learn(kind, (experts[:, BY_PLAN] - took_s) / scale, (learned_s - took_s) / scale)
        self.second_look.learn(inputs, base_s, first_s, looked_s, cell, took_s)
        some = np.arange(len(took_s)) % (1 if self.correction.asked.sum() < self.policy.plenty else 3) == 0
        self.correction.learn(table, base_s, hop, experts, took_s, some)
        self.trackers.learn(kept.slots[rows].astype(np.int64), (took_s - first_s) / scale, answered.newest_s)
        self.intervals.learn(p10_s, p50_s, kind_of(hop, table[:, NAMES.index("fix_age")] * FIX_AGE_S), width_s, took_s)
        self.spread.learn(table[some], (np.abs(took_s - p50_s) / scale_s(p50_s))[some])
        self.skill.learn(p50_s - took_s, experts[:, BY_PLAN] - took_s)
        about = self.lateness.features(Asked(p10_s, p50_s, p90_s, width_s, closes, table))
        was_open, was_late = closes > 0, took_s > closes
        self.skill.learn_late(self.lateness.weigh(about[was_open]), was_late[was_open])
        self.lateness.learn(about[was_open & some], was_late[was_open & some])

    def _learn_lingering(self, place: Ints, lead_s: Floats, longer_s: Floats) -> None:
        """How much longer than plain early vehicles took, as a share of their lead."""
        for row in np.flatnonzero((lead_s > self.stays.policy.hold_worth_s) & (place >= 0)).tolist():
            self.stays.learn_linger(int(place[row]), float(longer_s[row] / lead_s[row]))

    def forget_questions(self, newest: int) -> None:
        """Let go of the questions about a visit that has no truth."""
        self.questions.drop(newest)

    def export(self) -> int:
        """Let everything learned so far count from now on (call at a tick); returns how many models were reset to good weights."""
        self.intervals.export()
        self.deviation.export(self.legs)
        self.trackers.export()
        self.restraint.export()
        return self.correction.export() + self.spread.export() + self.lateness.export() + self.second_look.export() + self.trips.export()


def in_order(ahead: Ahead, values: Floats) -> Floats:
    """Raise `values` where needed so that they never fall along a journey."""
    if not ((values[1:] < values[:-1]) & (ahead.hop[1:] > 0)).any():
        return values
    values, step, longest = values.copy(), 1, int(ahead.hop.max())
    while step <= longest:  # the most of the last 2, 4, 8, .. stops
        raised = np.maximum(values[step:], values[:-step])
        np.copyto(values[step:], raised, where=ahead.hop[step:] >= step)
        step *= 2
    return values
