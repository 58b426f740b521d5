"""The seam between the flow and the models: what is asked, what is answered, and what turned out to be true.

Everything is columns. A *journey* is one vehicle asked about at one moment; *ahead* are its remaining visits in order, all
journeys one after the other. Times are seconds from the moment of asking (`_in_s`), so no model ever sees a clock; NaN = there is none.
"""

from dataclasses import dataclass
from typing import NamedTuple

from eta_models.columns import Flags, Floats, Floats32, Ints

SERVED_S = 86_400.0
"""`Journeys.elapsed_s` of a vehicle that stands where all is done."""


@dataclass(frozen=True, slots=True)
class Journeys:
    """One row a vehicle. `hour` is the local hour of day, 0 <= hour < 24, with its fraction."""

    hour: Floats
    fix_age_s: Floats
    to_next_m: Floats
    behind_m: Floats
    elapsed_s: Floats
    """Since the last departure (under way) or the arrival (standing)."""
    still_s: Floats
    speed_mps: Floats
    approach_mps: Floats
    """How fast the distance to the next stop shrank between the last two fixes."""
    east_m: Floats
    north_m: Floats
    """The fix seen from the next stop; NaN = not located, or not on a known leg, or serving."""
    lead_s: Floats
    """How long before its planned time the vehicle is still at the stop where the leg began; 0 = not there, or late."""
    deviation_s: Floats
    paused_s: Floats
    standing: Flags
    place: Ints
    """Where it stands, -1 = under way or nowhere known."""
    service_s: Floats
    """Planned service there."""
    ready_in_s: Floats
    """When that place opens; negative = passed, NaN = it has no opening."""
    opens: Flags
    """Whether that place has an opening time."""
    left_place: Ints
    """Where the leg began, -1 = nowhere known."""
    vehicle: Ints
    route: Ints
    """Numbers that tell vehicles and routes apart."""
    now_s: Floats
    """Log time, only ever compared with itself: what was learned fades."""
    trip: Floats32
    """Where the vehicle is and goes, with the columns `tiles.ASKED`, if its next stop has no planned time; else NaN."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """One row a remaining visit, journey by journey, in the order in which they will be visited."""

    journey: Ints
    hop: Ints
    """0 = the next stop."""
    leg: Ints
    place: Ints
    area: Ints
    leg_m: Floats
    """Crow distance from the stop before (of hop 0: of the whole leg)."""
    leg_planned_s: Floats
    planned_in_s: Floats
    opens_in_s: Floats
    closes_in_s: Floats
    service_s: Floats
    minute: Ints
    """Minute of the day for which it is planned, -1 = it has no plan."""
    again: Flags
    """Whether it is another call at the place of the one before it, with nothing to do there in between."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """One row a remaining visit: arrival in seconds from now, p10 <= p50 <= p90, and the probability of being late.

    `p_late` is 0..1, NaN without a window.
    """

    p10_s: Floats
    p50_s: Floats
    p90_s: Floats
    p_late: Floats
    service_s: Floats
    """Expected time at the stop once served."""
    wait_s: Floats
    """Expected wait for the window or the planned time, of all stops before this one."""
    features: Floats
    """What the answer rests on, kept with a question until its truth comes: shape (rows, features)."""
    experts: Floats
    """The answers that were weighed: shape (rows, experts), seconds from now."""
    base_s: Floats
    """The plain estimate that the features are relative to."""
    width_s: Floats
    """The expected size of the error of P50."""
    lead_s: Floats
    """Of the next stop: the lead that may be lingered where the leg began; 0 for later stops."""
    first_s: Floats
    """The plain time to the next stop."""
    slots: Ints
    """Where the errors of each answer are tracked: shape (rows, trackers)."""
    regime: Ints
    """What the vehicle does, see `restraint`."""


class LegTaken(NamedTuple):
    """A leg was driven: `took_s` from departure to arrival; from arrival to arrival where the stop before has no service time.

    `early_s` is how long before its opening that stop was reached (0 where it has none, or has service time: then its stay teaches the
    hold); the deviations are arrival less plan at both ends, NaN without a plan.
    """

    leg: int
    area: int
    hour: float
    took_s: float
    drive_s: float
    """Of these, from departure to arrival."""
    leg_m: float
    leg_planned_s: float
    place: int
    early_s: float
    deviation_before_s: float
    deviation_s: float
    minute: int = -1
    """Minute of the day for which its end was planned, -1 = it has no plan."""
    run: bytes = b""
    """Where the vehicle was on it, as half floats: metres east and north of its end, seconds stood, seconds left; see `runs`."""
    served: bool = False
    """Whether the stop before has service time."""


class StayEnded(NamedTuple):
    """A stop with planned service was left after `took_s`; `early_s` is how long before its opening it was reached, <= 0 = not early."""

    place: int
    took_s: float
    early_s: float
    service_s: float


class Reached(NamedTuple):
    """A visit was reached: the newest kept question about it, when (microseconds), and where its leg began (-1 = nowhere known)."""

    question: int
    at_us: int
    left_place: int = -1
