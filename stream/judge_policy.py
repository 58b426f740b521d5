"""The limits of what is believed of a message."""

from dataclasses import dataclass

YEAR_2000_US = 946_684_800_000_000
GPS_ROLLOVER_US = 1024 * 604_800_000_000
METRES_A_DEGREE = 111_195.0
"""Of a great circle on a sphere with a radius of 6,371 km."""


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """The limits of what is believed, each with its unit and the reason of its default."""

    future_s: int = 120
    """Seconds that `at` may lie after reception: clocks of phones are off by seconds, by minutes only when they never had a network."""
    too_old_s: int = 86_400
    """Seconds of age of a ping or status: after a day without network it no longer helps anybody."""
    plan_too_old_s: int = 30 * 86_400
    """Seconds of age of a fact about the plan: some plans are made a month ahead."""
    rollover_slack_s: int = 86_400
    """Seconds around 1,024 weeks of age (GPS counts weeks in 10 bits) that are taken for a rollover: as old as a good ping may be."""
    planned_before_year: int = 2100
    """Year before which every planned time lies: later ones (9999-12-31) are "never" in disguise."""
    max_accuracy_m: float = 500.0
    """Metres; worse fixes come from cell towers and put the vehicle into another street."""
    null_island_m: float = 110.0
    """Metres from (0, 0) to each side, where receivers without a fix report from: 0.001 degrees."""
    max_speed_mps: float = 100.0
    """Metres a second (360 km/h): faster than any vehicle that delivers."""
    min_radius_m: float = 5.0
    """Metres; GPS is no better than this, and no ping would ever be inside."""
    max_radius_m: float = 5_000.0
    """Metres; a larger circle is a zone, not a stop."""
    max_duration_s: float = 86_400.0
    """Seconds of service at a stop, of a break, or that a tick says the engine is behind: a day."""
    max_metadata: int = 16
    """Entries of `metadata`: they travel with every event of the visit."""
    max_list: int = 2_000
    """Entries of `skills`, of `loaded_visit_ids`, and of a fence's tags and vehicles: four times the longest route."""
