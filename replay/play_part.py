"""Which part of a recorded day is played, and from where it is played at its pace."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from heapq import merge
from operator import attrgetter
from zoneinfo import ZoneInfo

from replay.day_errors import BadDay, NotPlayed
from replay.encoded import EncodedEntry, encoded
from replay.recorded import Recorded
from replay.rounds import Round
from stream.judge_policy import JudgePolicy
from stream.moments import instant, micros

STRETCH = 10_000
"""Entries that are judged at once, and messages that are in memory at most."""

LEAD_US = 60_000_000
"""Log time before the first route starts from which a day is paced: there is something to see within seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day, in microseconds as it was recorded: begins at `first_us`, goes at its pace from `paced_us`, ends at `last_us`."""

    first_us: int
    paced_us: int
    last_us: int

    def span_us(self, told: Round) -> tuple[int, int]:
        """Its begin and end in a round."""
        return self.first_us + told.shift_us, self.last_us + told.shift_us


def part_of(log: Recorded, time_zone: str, seek: str | None, until: str | None) -> Part:
    """The part between times of day `HH:MM` in a time zone; each is its first one behind the begin, so `until` may be on the next day.

    Without `seek` it is paced from a minute before the first route starts, or the first entry. Raises `NotPlayed` for a time that is
    none or not in the day, `BadDay` for a day without entries.
    """
    if not len(log):
        raise BadDay("the day holds no entries")
    first_us, last_us = log.span_us()
    started_us = min((received_us for received_us, _ in log.spoken(("route_started",))), default=first_us)
    paced_us = max(started_us - LEAD_US, first_us) if seek is None else _moment("--seek", seek, (first_us, last_us), time_zone)
    end_us = last_us if until is None else _moment("--until", until, (first_us if seek is None else paced_us, last_us), time_zone)
    return Part(first_us, min(paced_us, end_us), end_us)


def _moment(option: str, text: str, span_us: tuple[int, int], time_zone: str) -> int:
    """The first time within a span that is so late in the day."""
    zone = ZoneInfo(time_zone)
    first, last = (instant(moment_us).astimezone(zone) for moment_us in span_us)
    try:
        hour, minute = text.split(":")
        clock = time(int(hour), int(minute), tzinfo=zone)
    except ValueError as error:
        raise NotPlayed(f"{option} was {text!r}: give a time of day such as 08:30") from error
    for days in (0, 1):
        moment = datetime.combine(first.date() + timedelta(days=days), clock)
        if first <= moment <= last:
            return micros(moment)
    raise NotPlayed(f"{option} {text} is not between {first:%m-%d %H:%M} and {last:%m-%d %H:%M}, which there is to play in {time_zone}")


@dataclass(slots=True)
class Tape:
    """A day as it is told in rounds."""

    log: Recorded
    left_out: int = 0
    """Entries of the last round that the judge refuses: they have no message."""

    def entries(self, told: Round, last_us: int) -> Iterator[EncodedEntry]:
        """The entries of a round in log order, up to a time of the recorded day."""
        self.left_out, end_us = 0, last_us + told.shift_us
        for stretch in self.log.stretches(JudgePolicy(), STRETCH, None):
            self.left_out += sum(len(batch.refusals) for batch in stretch)
            for entry in merge(*(encoded(batch, told) for batch in stretch), key=attrgetter("received_us")):
                if entry.received_us > end_us:
                    return
                yield entry
