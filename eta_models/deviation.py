"""How lateness travels along a plan: what the deviation at a stop says about the deviation at the next one.

dev_k = t0 + t1 * max(dev_k-1, 0) + t2 * min(dev_k-1, 0), in minutes: a late vehicle catches up, an early one waits. A small weighted
regression for each leg, by its normal equations, leaning on the fleet's until it has seen enough.
"""

from dataclasses import dataclass

import numpy as np

from eta_models.chain import SOONEST_S, Chain, second_call_s
from eta_models.columns import Floats
from eta_models.journeys import Ahead, Journeys
from eta_models.legs import Legs, LegTable


@dataclass(frozen=True, slots=True)
class DeviationPolicy:
    """How transfers are learned; the spike that the project started from chose the figures."""

    first: tuple[float, float, float] = (0.0, 0.8, 0.3)
    """Before anything was seen: a fifth of what a vehicle is late is made up on a leg, and most of what it is early."""
    first_weight: float = 1e4
    """In squared minutes: so much has to be seen before that is forgotten."""
    leg_decay: float = 0.98
    fleet_decay: float = 0.999
    fleet_weight: float = 4.0
    """The fleet's regression counts as so many traversals of a leg."""
    huber_min: float = 2.0
    """An error beyond so many minutes counts by its root only."""
    most_min: float = 15.0
    """Habits are learned of so many minutes of a deviation: what is beyond is a breakdown, and stays as it is."""


class Deviation:
    """Learned transfers; the legs' part lies in the leg table (`moments`, `transfer`)."""

    def __init__(self, policy: DeviationPolicy) -> None:
        self.policy = policy
        weights = np.array([1.0, policy.first_weight, policy.first_weight])
        self.moments = np.concatenate([weights[:1], [0.0, 0.0], weights[1:], weights * np.array(policy.first)])
        self.weight = 1.0
        self.fleet = np.array(policy.first)
        self._touched: set[int] = set()

    def follow(self, journeys: Journeys, ahead: Ahead, plain: Chain, lead_s: Floats, table: LegTable) -> tuple[Floats, Floats]:
        """Arrivals in seconds from now by the plan and what the deviation becomes on the way; NaN behind a stop without planned time.

        The first sets out from where the vehicle is (and its `lead_s`), the second from the deviation at the last stop.
        """
        leg, planned_in_s, by_hop = ahead.leg, ahead.planned_in_s, plain.by_hop
        if not (planned_in_s == planned_in_s).any():
            return np.full(len(leg), np.nan), np.full(len(leg), np.nan)
        theta = np.where(((leg >= 0) & (table.transferred[leg] > 0))[:, None], table.transfer[leg], self.fleet)
        order, journeys_by_hop = by_hop.order, by_hop.journeys
        base, up, down = (np.ascontiguousarray(column) for column in theta[order].T)
        planned_s, here = planned_in_s[order], slice(len(journeys_by_hop))
        habit_s = planned_s + 60.0 * base
        due_s, again = np.fmax(planned_in_s, ahead.opens_in_s)[order], ahead.again[order]
        known = np.where(journeys.deviation_s == journeys.deviation_s, journeys.deviation_s, 0.0)[journeys_by_hop]
        from_here, from_last = np.full(len(leg), np.nan), np.full(len(leg), np.nan)
        set_out_s = (plain.first_s + np.where(ahead.again[ahead.hop == 0], 0.0, lead_s))[journeys_by_hop]
        from_here[here] = np.where(planned_s[here] == planned_s[here], set_out_s, np.nan)
        from_last[here] = np.maximum(habit_s[here] + self._kept_s(up[here], down[here], known), SOONEST_S)
        from_last[here] = np.where(again[here], from_here[here], from_last[here])
        both = np.stack([from_here, from_last])
        for (here, before), calls_again in zip(by_hop.steps(), by_hop.any_at(again), strict=True):
            then = both[:, before]
            both[:, here] = np.maximum(habit_s[here] + self._kept_s(up[here], down[here], then - planned_s[before]), then + 10.0)
            if calls_again:
                both[:, here] = np.where(again[here], second_call_s(then, due_s[here]), both[:, here])
        return by_hop.back(both[0]), by_hop.back(both[1])

    def _kept_s(self, up: Floats, down: Floats, deviation_s: Floats) -> Floats:
        """What is left at the end of a leg of the deviation at its start, beside what is usual there."""
        most_s = 60.0 * self.policy.most_min
        late_s, early_s = np.minimum(np.maximum(deviation_s, 0.0), most_s), np.maximum(np.minimum(deviation_s, 0.0), -most_s)
        return up * late_s + down * early_s + (deviation_s - late_s - early_s)

    def learn(self, table: LegTable, leg: int, before_s: float, after_s: float) -> None:
        """The deviations at both ends of a leg, after it was driven."""
        p, most = self.policy, self.policy.most_min
        late = min(most, max(-most, before_s / 60.0))
        target = min(most + 5.0, max(-most - 5.0, after_s / 60.0 - (before_s / 60.0 - late)))
        up, down = max(late, 0.0), min(late, 0.0)
        error = abs(target - float(self.fleet[0] + up * self.fleet[1] + down * self.fleet[2]))
        row = np.array([1.0, up, down, up * up, down * down, target, up * target, down * target]) / max(1.0, error / p.huber_min)
        self.moments = p.fleet_decay * self.moments + row
        self.weight = p.fleet_decay * self.weight + 1.0
        if leg >= 0:
            table.moments[leg] = p.leg_decay * table.moments[leg] + row
            self._touched.add(leg)

    def export(self, legs: Legs) -> None:
        """Solve what was touched since the last export."""
        if not self._touched:
            return
        self.fleet = _solve(self.moments)
        for leg in sorted(self._touched):
            legs.table.transfer[leg] = _solve(legs.table.moments[leg] + self.policy.fleet_weight / self.weight * self.moments)
            legs.table.transferred[leg] = 1
        self._touched.clear()


def _solve(moments: Floats) -> Floats:
    """The regression of eight weighted sums: 1, up, down, up^2, down^2, and the target times 1, up, down (up * down is 0)."""
    one, up, down, up2, down2 = moments[:5].tolist()
    matrix = np.array([[one, up, down], [up, up2, 0.0], [down, 0.0, down2]]) + 1e-6 * np.eye(3)
    return np.asarray(np.linalg.solve(matrix, moments[5:]), dtype=np.float64)
