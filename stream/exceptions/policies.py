"""The policies of all kinds: what a fleet starts with, and what dispatch has changed of it through the log."""

from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from stream.exceptions.departure_late import DepartureLatePolicy
from stream.exceptions.early_risk import EarlyRiskPolicy
from stream.exceptions.eta_quality import EtaQualityPolicy
from stream.exceptions.fence_violation import FenceViolationPolicy
from stream.exceptions.kind_policy import KindPolicy
from stream.exceptions.late_risk import RiskPolicy
from stream.exceptions.long_dwell import LongDwellPolicy
from stream.exceptions.missed_connection import MissedConnectionPolicy
from stream.exceptions.missed_stop import MissedStopPolicy
from stream.exceptions.off_route import OffRoutePolicy
from stream.exceptions.out_of_sequence import OutOfSequencePolicy
from stream.exceptions.plan_infeasible import PlanInfeasiblePolicy
from stream.exceptions.pod_mismatch import PodMismatchPolicy
from stream.exceptions.signal_lost import SignalLostPolicy
from stream.exceptions.stalled import StalledPolicy
from stream.exceptions.stop_failed import StopFailedPolicy
from stream.exceptions.table import Exceptions
from stream.exceptions.vehicle_down import VehicleDownPolicy

P = TypeVar("P", bound=KindPolicy)


@dataclass(frozen=True, slots=True)
class ExceptionPolicies:
    """One policy a kind; the name of the field is the kind."""

    late_risk: RiskPolicy = field(default_factory=RiskPolicy)
    stalled: StalledPolicy = field(default_factory=StalledPolicy)
    signal_lost: SignalLostPolicy = field(default_factory=SignalLostPolicy)
    off_route: OffRoutePolicy = field(default_factory=OffRoutePolicy)
    vehicle_down: VehicleDownPolicy = field(default_factory=VehicleDownPolicy)
    pod_mismatch: PodMismatchPolicy = field(default_factory=PodMismatchPolicy)
    early_risk: EarlyRiskPolicy = field(default_factory=EarlyRiskPolicy)
    departure_late: DepartureLatePolicy = field(default_factory=DepartureLatePolicy)
    long_dwell: LongDwellPolicy = field(default_factory=LongDwellPolicy)
    missed_stop: MissedStopPolicy = field(default_factory=MissedStopPolicy)
    out_of_sequence: OutOfSequencePolicy = field(default_factory=OutOfSequencePolicy)
    stop_failed: StopFailedPolicy = field(default_factory=StopFailedPolicy)
    fence_violation: FenceViolationPolicy = field(default_factory=FenceViolationPolicy)
    missed_connection: MissedConnectionPolicy = field(default_factory=MissedConnectionPolicy)
    plan_infeasible: PlanInfeasiblePolicy = field(default_factory=PlanInfeasiblePolicy)
    eta_quality: EtaQualityPolicy = field(default_factory=EtaQualityPolicy)


def in_force(policy: P, kind: str, table: Exceptions) -> P:
    """A policy with what dispatch has said about it."""
    told = table.told.get(kind)
    return replace(policy, **told) if told else policy  # type: ignore[arg-type]  # judged when it was told


def wrong_fields(kind: str, told: dict[str, float | bool]) -> list[str]:
    """What of a change cannot be: an unknown field, or a value of another type or below 0; the kind itself where there is none such."""
    known = {one.name: one.default_factory for one in fields(ExceptionPolicies)}
    if kind not in known:
        return ["kind"]
    policy = known[kind]()  # type: ignore[operator]  # every field has one
    wrong = []
    for name, value in told.items():
        usual = getattr(policy, name, None)
        if usual is None or isinstance(usual, bool) != isinstance(value, bool) or value < 0:
            wrong.append(name)
    return wrong
