"""What governs proposals: what counts how much, how many, and what a fleet accepts without being asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReassignPolicy:
    """Costs are seconds of lateness of a visit of priority 0; a visit of priority p counts 1 + p times."""

    solving: str = "off"
    """`off`: never; `here`: at the tick itself, which waits (replay); `aside`: handed out at the tick, answered by a log entry (live)."""
    most_proposals: int = 4
    """Proposals an exception."""
    drive_weight: float = 0.15
    """A second of driving costs so much of a second of lateness: fuel and wear are small beside a broken promise."""
    missed_s: float = 14_400.0
    """What is not served today counts as so late: the rest of a working day."""
    another_day_s: float = 7_200.0
    """What is put off to another day with the customer's consent is as bad as two hours late: half as bad as when nobody comes."""
    handover_s: float = 300.0
    """Goods change vehicles in five minutes: a van is opened, parcels are found and carried over."""
    fix_age_s: float = 1_800.0
    """A vehicle without a fix for so long is no candidate: nobody knows where it is."""
    most_takers: int = 60
    """Vehicles tried for one exception, the nearest to it by time."""
    most_orphans: int = 60
    """Visits moved at once at most; the ones of highest priority first."""
    least_gain_s: float = 120.0
    """A proposal saves at least so much weighted lateness: less drowns in the noise of the estimates."""
    late_from: float = 0.5
    """P(late) from which a visit counts as late: where `late_risk` opens."""
    ask_again_s: float = 600.0
    """Proposals of an exception are made anew so often at most; at once where one was refused as stale."""
    most_asked: int = 4
    """Exceptions for which proposals are made at one tick, the worst first."""
    most_open: int = 64
    """Exceptions of which proposals are kept; the oldest go first."""
    most_bytes: int = 120_000
    """Of one message with proposals: larger ones are for Redis streams a risk (see `AT_ONCE` of `live/append.py`)."""
    polish: bool = False
    """Whether pyvroom polishes moves, where it is installed: replays do without, so that they are the same everywhere."""
    auto_accept: bool = False
    """Accept the first proposal by rule where it makes at most `auto_others_late` others late and gains `auto_gain_s`."""
    auto_others_late: int = 0
    auto_gain_s: float = 600.0
