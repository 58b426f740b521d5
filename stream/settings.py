"""All policies of one fleet in one place; every default stands, with its unit and reason, beside the rule that it governs."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from eta_models.model import ModelPolicy
from stream.exceptions.policies import ExceptionPolicies
from stream.fence_rules import FencePolicies
from stream.judge_policy import JudgePolicy
from stream.moments import instant
from stream.reassign.policy import ReassignPolicy
from stream.steps.clean import CleanPolicy
from stream.steps.estimate import EstimatePolicy
from stream.steps.progress import ProgressPolicy
from stream.steps.publish import PublishPolicy
from stream.thin import ThinPolicy


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What governs a fleet. `time_zone` is an IANA name: the hours that people and traffic live by."""

    time_zone: str = "UTC"
    most_vehicles: int = 20_000
    """Vehicles a fleet may have; messages of further ones are refused (`fleet_full`)."""
    work_every_s: float = 30.0
    """Log time between ticks that learn, renew estimates and tidy up; the ticks between them only tell the time.

    Longer is quicker, because more fixes go through in one sweep; what a status changes is estimated at the vehicle's next fix, or after
    this time at the latest.
    """
    judge: JudgePolicy = field(default_factory=JudgePolicy)
    thin: ThinPolicy = field(default_factory=ThinPolicy)
    clean: CleanPolicy = field(default_factory=CleanPolicy)
    fences: FencePolicies = field(default_factory=FencePolicies)
    progress: ProgressPolicy = field(default_factory=ProgressPolicy)
    estimate: EstimatePolicy = field(default_factory=EstimatePolicy)
    exceptions: ExceptionPolicies = field(default_factory=ExceptionPolicies)
    publish: PublishPolicy = field(default_factory=PublishPolicy)
    reassign: ReassignPolicy = field(default_factory=ReassignPolicy)
    model: ModelPolicy = field(default_factory=ModelPolicy)

    def utc_offset_s(self, now_us: int) -> int:
        """Seconds that local time is ahead of UTC."""
        zone = UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)
        return round((instant(now_us).astimezone(zone).utcoffset() or timedelta()).total_seconds())
