"""Why an input was not applied: one code for each way in which a message can be wrong, and what to do about it."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A reason code of the dead-letter stream and of the rejection counters.

    The value is the code on the wire; `meaning` says what was found, `remedy` what the one who reads the dead letter should do.
    Codes are only ever added: dashboards, alarms and recorded days name them.
    """

    meaning: str
    remedy: str

    def __new__(cls, code: str, meaning: str, remedy: str) -> Self:
        """Build the member whose value is `code`."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.remedy = remedy
        return member

    # The bytes are no message.
    EMPTY = ("empty", "Nothing, or only white space.", "Look for a sender that posts on a timer without a fix.")
    BAD_JSON = ("bad_json", "Not JSON: cut off, or malformed.", "Check for truncation on the way, and for text glued to the message.")
    BAD_UTF8 = ("bad_utf8", "Bytes that are not UTF-8, or half of a surrogate pair.", "Send UTF-8; repair the sender's escaping.")
    TOO_LARGE = ("too_large", "A ping over 4,096 bytes, anything over 1 MiB, or a list with too many entries.", "Send less or split it.")
    TOO_DEEP = ("too_deep", "Objects and lists nested more than 32 deep.", "No message needs it: look at who sent it.")

    # The message has not the shape it should have.
    BAD_TYPE = ("bad_type", "A field, or the message itself, is of the wrong type, or a word that is not allowed.", "See the field's type.")
    MISSING_FIELD = ("missing_field", "A required field is not there, or the one thing that says which visit is meant.", "Add the field.")
    UNKNOWN_TYPE = ("unknown_type", "No message has this `type`.", "Check the spelling, and that the engine is as new as the sender.")
    UNKNOWN_FIELD = ("unknown_field", "A field that the message does not have.", "Check the spelling; own data goes into `metadata`.")
    BAD_ID = (
        "bad_id",
        "An id or reference that is malformed, or a `visit_id` used twice in a route or living on another one.",
        "Use 1 to 64 of A-Z a-z 0-9 _ . : -.",
    )
    BAD_TEXT = ("bad_text", "A text that is too long or has NUL or half a surrogate pair; a hash that is none.", "Shorten or clean it.")

    # A number or a place cannot be.
    VALUE_RANGE = ("value_range", "A number the field cannot have: a negative break, a count over 64 bits.", "See the field's range.")
    NOT_FINITE = ("not_finite", "NaN, infinite, or too large for a float.", "Leave out what is not known; never send NaN.")
    LAT_RANGE = ("lat_range", "A latitude outside -90..90.", "Check for swapped lat and lon, or degrees times 10^7.")
    LON_RANGE = ("lon_range", "A longitude outside -180..180.", "Send -180..180, not 0..360; it is never clamped.")
    NULL_ISLAND = ("null_island", "A place within 110 m of (0, 0).", "The receiver had no fix: have the device send nothing then.")
    ACCURACY = ("accuracy", "An accuracy that is negative or worse than 500 m.", "Have the device wait for satellites, not cell towers.")
    SPEED_RANGE = ("speed_range", "A speed below 0 or above 100 m/s: the speed is dropped, the position kept.", "Check the unit: m/s.")
    HEADING_RANGE = ("heading_range", "A heading outside 0..360: the heading is dropped, the position kept.", "Send degrees from north.")
    BAD_WINDOW = (
        "bad_window",
        "A time window, shift or validity that ends before it starts.",
        "Check time zones and windows over midnight.",
    )
    BAD_RADIUS = ("bad_radius", "A stop radius outside 5..5,000 m.", "Check the unit: metres.")
    BAD_FENCE = ("bad_fence", "A fence that is not one area, whichever way it is read.", "Draw the named place anew.")

    # A time cannot be.
    TS_FUTURE = ("ts_future", "`at` is more than 120 s after it was received.", "Set the device's clock; check the time zone.")
    TS_TOO_OLD = (
        "ts_too_old",
        "`at` is more than 24 h old (a fact about the plan: 30 days).",
        "Send a backlog sooner, or import it as a recorded day.",
    )
    TS_RANGE = (
        "ts_range",
        "A time before 2000, in no calendar, or planned after 2099.",
        "Check for seconds sent as milliseconds, and for clocks at 0.",
    )
    TS_GPS_ROLLOVER = (
        "ts_gps_rollover",
        "`at` is 1,024 weeks old to the day: the GPS week counter ran over.",
        "Update the receiver's firmware.",
    )
    NAIVE_TIME = ("naive_time", "A local time without an offset.", "Send epoch milliseconds, or RFC 3339 with an offset.")

    # The message is good; it does not fit what is already known.
    DUPLICATE = ("duplicate", "The same `seq`, or the same time and place, as before.", "None needed: the sender retried.")
    LATE = (
        "late",
        "Up to 5 min older than what is known: kept for the record, moves nothing.",
        "None needed; many of them: look at the network.",
    )
    TOO_LATE = (
        "too_late",
        "More than 5 min older than what is known, or a fact that a newer one has overtaken.",
        "Have the device send its backlog in order.",
    )
    TELEPORT = ("teleport", "A place nobody could drive to since the fix before.", "Look for two devices under one `vehicle_id`.")
    RATE_LIMITED = ("rate_limited", "More pings than a vehicle may send: 5 a second after a burst of 20.", "Lower the device's rate.")
    THINNED = (
        "thinned",
        "The engine was behind with the log, and a newer ping of the vehicle was taken. Counted, but no dead letter of the live system.",
        "A faster machine, more processes, or fewer pings.",
    )
    UNKNOWN_VEHICLE = ("unknown_vehicle", "No such vehicle is registered in the fleet.", "Send `vehicle_put` or the route first.")
    UNKNOWN_ROUTE = (
        "unknown_route",
        "No such route is published for this vehicle, or it has ended.",
        "Send `route_published` first; check the fleet.",
    )
    UNKNOWN_VISIT = ("unknown_visit", "The route has no such open visit.", "Check `visit_id` and `stop_id` against the published plan.")
    UNKNOWN_FENCE = ("unknown_fence", "The fleet has no such fence.", "Check `fence_id`; it may be gone already.")
    UNKNOWN_EXCEPTION = ("unknown_exception", "No such exception is open.", "None needed if it was resolved meanwhile.")
    BAD_POLICY = (
        "bad_policy",
        "A kind of exception, or a field of its policy or of a kind of fences, that does not exist, or a value that it cannot have.",
        "See docs/exceptions.md and docs/geofences.md for kinds, fields and units.",
    )
    STALE_PLAN = (
        "stale_plan",
        "A `plan_version` that is not newer than the one in force.",
        "Count versions up; look for a second planner.",
    )
    UNKNOWN_PROPOSAL = ("unknown_proposal", "No such proposal is open.", "Read the exception's proposals anew: there may be newer ones.")
    STALE_PROPOSAL = (
        "stale_proposal",
        "A plan or visit that the proposal is about has changed since, or it held only until an earlier moment.",
        "Read the exception's proposals anew.",
    )
    BAD_MODEL = (
        "bad_model",
        "A model file that is cut, damaged, foreign or of another version; or not all of its parts came before.",
        "`fleetcast-replay models show FILE` says what is wrong; put it in again.",
    )
    HAS_LEARNED = ("has_learned", "The fleet has learned already.", "Put the model in as a challenger, and promote it.")
    UNKNOWN_MODEL = ("unknown_model", "The fleet has no challenger of this name.", "Read `/v1/models` anew.")
    FLEET_FULL = ("fleet_full", "The fleet has as many vehicles as it may have.", "Raise the limit, or look for invented vehicle ids.")
    FENCES_FULL = (
        "fences_full",
        "The fleet has as many fences, or corners of fences, as it may have: 10,000 and 1,000,000.",
        "Remove fences, or draw them with fewer corners.",
    )

    # Not the sender's fault.
    WRONG_PARTITION = (
        "wrong_partition",
        "The fleet does not belong to this shard.",
        "Write through the gateway, or count shards the same.",
    )
    INTERNAL = (
        "internal",
        "The engine failed on this one message; everything else went on.",
        "Report it with the dead letter: it is a bug.",
    )


REASONS: tuple[Reason | None, ...] = (None, *Reason)
"""Reason of each code in a column of verdicts: 0 is None (fine). Codes live inside one process; on the wire is the value."""

CODES: dict[Reason, int] = {reason: code for code, reason in enumerate(REASONS) if reason is not None}
"""The code of each reason: the inverse of `REASONS`."""
