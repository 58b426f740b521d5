"""What a person sees of a day that is being played: one line that moves, or on no terminal a line for every tenth of the day."""

from datetime import tzinfo
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from replay.play import State
from replay.rounds import DAY_US
from stream.moments import instant

KEYS = "space pause, + - speed, f ten minutes on, q quit"


def local_time(moment_us: int, zone: tzinfo, with_date: bool) -> str:
    """A time as people there read it."""
    return instant(moment_us).astimezone(zone).strftime("%m-%d %H:%M" if with_date else "%H:%M")


def how_it_goes(state: State) -> str:
    """Speed, entries a second, and how far the engine is behind in log time."""
    speed = "paused" if state.paused else f"{state.speed:g}x" if state.speed else "as fast as it will go"
    lag = "engine has taken nothing yet" if state.lag_us is None else f"engine {state.lag_us / 1e6:,.0f} s of log behind"
    return f"{speed}, {state.per_s:,.0f} entries/s, {lag}" + (", waiting for it" if state.held else "")


class PlayScreen:
    """Shows how far a round is, in the time of day of a time zone."""

    def __init__(self, output: Console, time_zone: str) -> None:
        self._output, self._zone = output, ZoneInfo(time_zone)
        self._span_us, self._tenths, self._told_waiting = (0, 1), 0, False
        columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[goes]}"))
        self._bar = Progress(*columns, console=output, disable=not output.is_terminal, transient=True)
        self._task = self._bar.add_task("", total=1.0, goes=KEYS)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def begin(self, span_us: tuple[int, int], sentences: list[str]) -> None:
        """A round begins: from when to when it is played, and what to say about it."""
        self._span_us, self._tenths = span_us, 0
        for sentence in [*sentences, *([KEYS] if self._output.is_terminal else [])]:
            self._output.print(sentence, markup=False, soft_wrap=True)

    def show(self, state: State) -> None:
        """How it stands now."""
        if not state.appended:
            return
        first_us, last_us = self._span_us
        share = min(max((state.log_us - first_us) / max(last_us - first_us, 1), 0.0), 1.0)
        time, goes = local_time(state.log_us, self._zone, last_us - first_us > DAY_US), how_it_goes(state)
        if self._output.is_terminal:
            self._bar.update(self._task, description=time, completed=share, goes=goes)
            return
        if int(share * 10) > self._tenths or (state.held and state.lag_us is None and not self._told_waiting):
            self._tenths, self._told_waiting = int(share * 10), self._told_waiting or state.held
            self._output.print(f"{time}  {share:4.0%}  {goes}", markup=False, soft_wrap=True)
