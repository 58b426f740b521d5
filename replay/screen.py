"""What a person sees of a run: a bar with the time of day, exceptions as they open and resolve, and at the end where everything is."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from replay.exception_lines import ExceptionLines
from replay.recorded import Recorded
from replay.score import Score
from stream.apply import Applied
from stream.settings import FleetSettings

OPENINGS = 15
"""Exceptions that are printed when nobody asked for all: one screen of them."""


class Screen:
    """A `Watcher` with a bar at the bottom, above which exceptions are printed; without a terminal only these."""

    def __init__(self, output: Console, every_exception: bool) -> None:
        self._most = None if every_exception else OPENINGS
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[reached]}"))
        self._bar = Progress(*columns, console=output, disable=not output.is_terminal, transient=True)
        self._task = self._begin("", None)
        self._line: Recorded | None = None
        self._exceptions: ExceptionLines | None = None
        self._entries = self._now_us = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def stage(self, doing: str) -> None:
        """Name what is being done; what the run gave is summed up once it is over."""
        if self._exceptions is not None:
            self._print(self._exceptions.close())
            self._exceptions = self._line = None
        self._bar.remove_task(self._task)
        self._task = self._begin(doing, None)

    def begin(self, line: Recorded, settings: Mapping[str, FleetSettings]) -> None:
        """From here on the bar counts entries."""
        first_us, last_us = line.span_us()
        days = (last_us - first_us) / 86_400e6
        self._line, self._exceptions = line, ExceptionLines(settings, self._most, with_date=days > 1)
        self._entries = self._now_us = 0
        self._bar.remove_task(self._task)
        self._task = self._begin("running the day", len(line))

    def advance(self, entries: int, applied: list[Applied]) -> None:
        """Move the bar on, and print what opened and what resolved."""
        if self._line is None or self._exceptions is None:
            return
        for stretch in applied:
            self._print(self._exceptions.of(stretch))
        self._entries = min(self._entries + entries, len(self._line))
        self._now_us = max(self._now_us, *(stretch.now_us for stretch in applied), 0)
        reached = self._exceptions.local_time(self._line.fleet_ids[0], self._now_us)
        elapsed_s = self._bar.tasks[0].elapsed or 0.0
        rate = f"{self._entries / elapsed_s:,.0f} entries/s" if elapsed_s > 0 else ""
        self._bar.update(self._task, completed=self._entries, reached=f"{reached}  {rate}")

    def _begin(self, doing: str, total: int | None) -> TaskID:
        return self._bar.add_task(doing, total=total, reached="")

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._bar.console.print(Text(line), soft_wrap=True)


def closing_lines(score: Score) -> list[str]:
    """What to say below the scorecard: what became of every entry, how quick it was, what to know, where it lies."""
    accounting, speed = score.accounting, score.speed
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in accounting.refused.items())
    refused = f"{sum(accounting.refused.values()):,} refused" + (f" ({reasons})" if reasons else "")
    late = f" ({accounting.kept_late:,} late fixes went to history only)" if accounting.kept_late else ""
    share = "" if speed.python_share is None else f"; {100 * speed.python_share:.1f} looks at single rows per 100 pings"
    lines = [
        f"{accounting.received:,} entries received: {accounting.applied:,} applied{late}, {refused}",
        f"{speed.entries_per_s:,.0f} entries/s, {speed.seconds:,.1f} s{share}",
        f"digest {score.digest}",
        *(f"note: {note}" for note in score.notes),
    ]
    return [*lines, *(f"wrote {path}" for path in score.files)]
