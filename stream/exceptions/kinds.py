"""The table of kinds: how grave each is, whom to tell first, when it opens and when it closes, in the words of the documentation."""

from typing import Literal, NamedTuple

Severity = Literal["critical", "high", "medium", "low"]
KindName = Literal[
    "late_risk", "stalled", "signal_lost", "off_route", "vehicle_down", "pod_mismatch", "early_risk", "departure_late", "long_dwell",
    "missed_stop", "out_of_sequence", "stop_failed", "fence_violation", "missed_connection", "plan_infeasible", "eta_quality",
]  # fmt: skip


class Kind(NamedTuple):
    """A kind of exception; its detector and policy stand in the module of its name."""

    severity: Severity
    tell_first: tuple[str, ...]
    opens: str
    closes: str


KINDS: dict[str, Kind] = {
    "late_risk": Kind(
        "high",
        ("dispatch", "customer"),
        "A stop will likely be late (`at_risk`), is late (`late`), or its window has been closed for long (`missed_window`).",
        "It recovers, is reached, or will not be visited.",
    ),
    "stalled": Kind(
        "high",
        ("driver", "dispatch"),
        "A vehicle between two stops does not move while its fixes keep coming.",
        "It moves, or arrives.",
    ),
    "signal_lost": Kind(
        "medium",
        ("driver", "dispatch"),
        "Nothing is heard of a vehicle with work to do; of half a fleet at once: one exception of the fleet.",
        "It is heard of again, or its route ends.",
    ),
    "off_route": Kind(
        "medium",
        ("driver", "dispatch"),
        "A vehicle is outside the corridor that past runs of its leg have drawn.",
        "It is back, or has arrived.",
    ),
    "vehicle_down": Kind(
        "critical",
        ("dispatch", "workshop", "customers"),
        "A vehicle cannot go on: somebody says so, or it stands for very long. All of its visits are in this one exception.",
        "It is up again, moves (where it was presumed), or sets out on another route.",
    ),
    "pod_mismatch": Kind(
        "medium",
        ("driver", "customer service"),
        "A stop was completed far from it, or by who has not been there.",
        "It expires after a day.",
    ),
    "early_risk": Kind(
        "low",
        ("dispatch",),
        "A vehicle will surely be at its next stop long before the window opens.",
        "The estimate moves, or it arrives.",
    ),
    "departure_late": Kind(
        "high",
        ("dock", "dispatch"),
        "A route has not set out at its time, its load is not ready, or its wave has gone.",
        "It sets out, or its load is ready in time.",
    ),
    "long_dwell": Kind(
        "medium",
        ("driver", "dispatch"),
        "A vehicle stays at a stop for much longer than planned and is due at the next.",
        "It leaves.",
    ),
    "missed_stop": Kind(
        "high",
        ("driver", "dispatch"),
        "A vehicle drove past a stop with planned service and went on.",
        "The stop is served after all; or it expires.",
    ),
    "out_of_sequence": Kind(
        "low",
        ("dispatch",),
        "The driver is at a stop while an earlier one is still open.",
        "The earlier stop is served; or it expires.",
    ),
    "stop_failed": Kind(
        "high",
        ("customer", "dispatch"),
        "An attempt failed: with the number of attempts, and when to try again.",
        "It expires after a day.",
    ),
    "fence_violation": Kind(
        "high",
        ("driver", "dispatch"),
        "A vehicle is in a fence of kind `forbidden`, or outside one of kind `must_stay` that names it.",
        "It leaves, or is back.",
    ),
    "missed_connection": Kind(
        "high",
        ("hub", "dispatch"),
        "Goods that change vehicles will come too late for the one that carries them on.",
        "The ETAs meet again, or the hand-over is done.",
    ),
    "plan_infeasible": Kind(
        "high",
        ("planner", "dispatch"),
        "Before it starts, a route cannot be driven: an unreachable window, overload, no driver, a short shift, missing skills.",
        "A new plan, or another vehicle, can; or it starts.",
    ),
    "eta_quality": Kind(
        "medium",
        ("operations",),
        "Our own ETAs have become worse: their error has doubled, or their intervals hold too few of the arrivals.",
        "They are as good as before.",
    ),
}
