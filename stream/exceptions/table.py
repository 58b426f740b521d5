"""Every exception that a fleet knows: durable objects, open ones and those that closed within a day, found by id."""

from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from eta_models.columns import MISSING
from stream.exceptions.eta_record import EtaRecord
from stream.exceptions.found import Fact

KEEP_CLOSED_US = 86_400_000_000
"""A closed exception is kept for a day of log time: for so long it can be opened again under its id, and be looked up."""
MOST = 20_000
"""Exceptions that are kept: one for each vehicle of the largest fleet. Over it the oldest closed go first, then the oldest open expire."""
MOST_ATTEMPTS = 20_000
"""Orders whose failed attempts are counted."""
MOST_NOTES = 20
"""Notes of an exception; the oldest go."""


class Note(Struct, frozen=True, array_like=True):
    """What somebody wrote down about an exception."""

    at_us: int
    by: str
    text: str


class DispatchException(Struct, frozen=True):
    """One exception: what is wrong with what, since when, who has it, what became of it. Times are microseconds since 1970 UTC.

    Its id is fleet, kind and subject, the same across its episodes. Whoever changes it puts a new one into the table.
    """

    exception_id: str
    kind: str
    subject: str
    """What it is about: `visit/ID`, `vehicle/ID`, `route/ID`, `fence/ID` or `fleet/ID`."""
    vehicle_id: str | None
    episode: int
    opened_us: int
    details: dict[str, object]
    """What its newest event says beyond its life: stage, cause, harm, evidence."""
    level: float = 0.0
    """How bad it was when it was last told, in the unit of its kind."""
    told_us: int = MISSING
    acknowledged_us: int = MISSING
    acknowledged_by: str | None = None
    acted_us: int = MISSING
    """The first assignment, or change of its plan, since it opened: from then on somebody does something about it."""
    assigned_to: str | None = None
    snoozed_until_us: int = MISSING
    closed_us: int = MISSING
    closed: str = ""
    """`resolved`, `expired` or `superseded`; empty while it is open."""
    reason: str | None = None
    updates: int = 0
    """Events of this episode after the opening: the number in their ids."""
    notes: tuple[Note, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still stands."""
        return not self.closed

    @property
    def status(self) -> str:
        """Where it is in its life, in one word."""
        if self.closed:
            return self.closed
        if self.snoozed_until_us != MISSING:
            return "snoozed"
        if self.assigned_to is not None:
            return "assigned"
        return "open" if self.acknowledged_us == MISSING else "acknowledged"


@dataclass(slots=True)
class Exceptions:
    """The table, what waits to enter or to leave it, and what dispatch has said about its policies."""

    known: dict[str, DispatchException] = field(default_factory=dict)
    episodes: dict[str, int] = field(default_factory=dict)
    """Episodes of exceptions that are forgotten and whose subject is not, so that no event id is given twice."""
    since_us: dict[str, int] = field(default_factory=dict)
    """Since when a condition has held that is not an exception yet."""
    gone_us: dict[str, int] = field(default_factory=dict)
    """Since when the condition of an open exception has been gone."""
    told: dict[str, dict[str, float | bool]] = field(default_factory=dict)
    """Fields of policies as dispatch set them, by kind."""
    facts: list[Fact] = field(default_factory=list)
    """What happened since the last tick, and is told there."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Failed attempts by order, `MOST_ATTEMPTS` orders; the oldest go."""
    unchecked: set[str] = field(default_factory=set)
    """Routes whose plan, or whose vehicle, has changed since the last tick. Only ever read in order."""
    departures: set[str] = field(default_factory=set)
    """Routes that have not set out and whose plan says when they should. Only ever read in order."""
    record: EtaRecord = field(default_factory=EtaRecord)
    open_ids: dict[str, set[str]] = field(default_factory=dict)
    """Ids of the open ones by kind: made from `known`, no part of a checkpoint. Only ever read in order."""

    def put(self, exception: DispatchException) -> None:
        """Keep an exception as it is now."""
        self.known[exception.exception_id] = exception
        ids = self.open_ids.setdefault(exception.kind, set())
        if exception.is_open:
            ids.add(exception.exception_id)
        else:
            ids.discard(exception.exception_id)

    def open(self, exception_id: str) -> DispatchException | None:
        """The open exception of this id."""
        found = self.known.get(exception_id)
        return found if found is not None and found.is_open else None

    def open_of(self, kind: str) -> list[DispatchException]:
        """The open ones of a kind, by id."""
        return [self.known[exception_id] for exception_id in sorted(self.open_ids.get(kind, ()))]

    def all_open(self) -> list[DispatchException]:
        """Everything that is open, by id."""
        return [self.known[exception_id] for exception_id in sorted(one for ids in self.open_ids.values() for one in ids)]

    def forget(self, exception_id: str) -> None:
        """Let go of one for good, but for the number of its episodes."""
        gone = self.known.pop(exception_id)
        self.open_ids[gone.kind].discard(exception_id)
        self.episodes[exception_id] = gone.episode

    def dump(self) -> tuple[object, ...]:
        """Everything, for a checkpoint: copies of the tables, whose values never change."""
        told = {kind: dict(fields) for kind, fields in self.told.items()}
        sets = sorted(self.unchecked), sorted(self.departures)
        tables = dict(self.episodes), dict(self.since_us), dict(self.gone_us), told, dict(self.attempts)
        return list(self.known.values()), *tables, list(self.facts), *sets, replace(self.record)

    @classmethod
    def load(cls, saved: "SavedExceptions") -> "Exceptions":
        """What `dump` gave."""
        exceptions = cls(
            episodes=saved.episodes,
            since_us=saved.since_us,
            gone_us=saved.gone_us,
            told=saved.told,
            facts=saved.facts,
            attempts=saved.attempts,
            unchecked=set(saved.unchecked),
            departures=set(saved.departures),
            record=saved.record,
        )
        for exception in saved.known:
            exceptions.put(exception)
        return exceptions


class SavedExceptions(Struct, frozen=True, array_like=True):
    """How `dump` reads in a checkpoint."""

    known: list[DispatchException]
    episodes: dict[str, int]
    since_us: dict[str, int]
    gone_us: dict[str, int]
    told: dict[str, dict[str, float | bool]]
    attempts: dict[str, int]
    facts: list[Fact]
    unchecked: list[str]
    departures: list[str]
    record: EtaRecord
