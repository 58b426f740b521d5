"""Plays a recorded day into the log of a live system, once or round after round, and says what was done."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event
from time import monotonic
from zoneinfo import ZoneInfo

from redis import Redis
from redis.exceptions import RedisError

from replay.controls import ending, keyboard
from replay.day_errors import NotPlayed
from replay.pace import Pace
from replay.play import Player
from replay.play_log import LiveLog
from replay.play_part import Part, Tape, part_of
from replay.play_screen import PlayScreen, local_time
from replay.read_day import read_day
from replay.rounds import DAY_US, NAMING, Round, first_free, mark_of, round_of
from replay.terminal import console
from replay.zones import zones_of
from stream.live.load_settings import BadSettings, load
from stream.live.server import NoServer, connect, find_server
from stream.nobody import is_nobody


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How a day is played; speed is seconds of log time in a second, times are `HH:MM` in the time zone of the first fleet."""

    speed: float = 60.0
    seek: str | None = None
    until: str | None = None
    loop: bool = False
    new_day: bool = False
    """Begin with the first round that no fleet has come to yet."""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A day that may be played: into which log, which part, in which rounds."""

    folder: Path
    tape: Tape
    part: Part
    log: LiveLog
    time_zone: str
    rounds: Iterable[Round]
    come_to_us: int | None = None
    """Log time of an earlier round, of which routes may still be open."""


@dataclass(frozen=True, slots=True)
class Played:
    """What was done."""

    entries: int
    left_out: int
    fleets: int
    come_to: str
    seconds: float
    behind: int = 0
    """Entries that the engine has not taken yet."""


def plan(folder: Path, options: PlayOptions, client: "Redis", shards: int) -> Plan:
    """Look at a day and at the log it shall go to. Raises `BadDay`, and `NotPlayed` where it may not."""
    day = read_day(folder)
    zones = zones_of({fleet_id: zone for fleet_id, zone in day.fleets.items() if not is_nobody(fleet_id)}, None)
    time_zone = zones[next(iter(zones))]
    part, span_us = part_of(day.log, time_zone, options.seek, options.until), day.log.span_us()
    log = LiveLog(client, {options.prefix + fleet_id: zone for fleet_id, zone in zones.items()}, shards)
    come_us = log.come_to_us()
    first = first_free(span_us, come_us)
    if first and come_us is not None and not (options.loop or options.new_day):
        come, begins = (local_time(moment_us, ZoneInfo(time_zone), True) for moment_us in (come_us, span_us[0]))
        raise NotPlayed(
            f"log time never goes back: it has come to {come} for {_fleets(list(log.zones))}, and the day begins {begins}. "
            "Play it as a later day with --new-day or --loop, or under other fleet ids with --fleet-prefix TEXT"
        )
    mark = mark_of(message for _, message in day.log.spoken(NAMING)) if first or options.loop else ""
    numbers = count(first) if options.loop else [first]
    rounds = (round_of(number, span_us, options.prefix, mark) for number in numbers)
    return Plan(folder, Tape(day.log), part, log, time_zone, rounds, come_us if first else None)


def play(planned: Plan, player: Player, screen: PlayScreen) -> Played:
    """Play it, until it is over or the player is stopped."""
    started_s = player.clock()
    if planned.come_to_us is not None:
        planned.log.end_open_routes(planned.come_to_us)
    for told in planned.rounds:
        screen.begin(planned.part.span_us(told), _opening(planned, told))
        player.play(planned.tape.entries(told, planned.part.last_us), planned.part.paced_us + told.shift_us)
        if player.stopped:
            break
    come_to = f"{local_time(player.log_us, ZoneInfo(planned.time_zone), True)} ({planned.time_zone})"
    return Played(
        player.appended, planned.tape.left_out, len(planned.log.zones), come_to, player.clock() - started_s, planned.log.engine().behind
    )


def play_here(folder: Path, options: PlayOptions, redis_url: str | None) -> list[str]:
    """Play a day from this terminal; returns what to say at the end. Raises `BadDay` and `NotPlayed`."""
    output, never = console(), Event()
    try:
        settings = load(redis_url=redis_url)
        with connect(find_server(settings)) as client:
            planned = plan(folder, options, client, settings.shards)
            with keyboard() as keys, PlayScreen(output, planned.time_zone) as screen:
                player = Player(planned.log, Pace(options.speed), monotonic, never.wait, keys, screen.show)
                with ending(player.stop):
                    played = play(planned, player, screen)
    except (RedisError, NoServer, BadSettings) as error:
        raise NotPlayed(str(error)) from error
    return closing(played, folder, f"http://{settings.host}:{settings.port}")


def closing(played: Played, folder: Path, api_url: str) -> list[str]:
    """What was appended, how long it took, and where to look next."""
    done = f"appended {played.entries:,} entries of {played.fleets} driven fleet{'s' * (played.fleets > 1)} in {played.seconds:,.1f} s"
    lost = f"{played.left_out:,} entries that the engine would refuse have no message here, and were left out"
    return [
        f"{done}; log time has come to {played.come_to}" if played.entries else done,
        *([lost] if played.left_out else []),
        *([f"the engine has {played.behind:,} entries still to take"] if played.behind else []),
        f"next: what is true now is at {api_url}/v1/exceptions; fleetcast-replay score {folder} scores the day",
    ]


def _opening(planned: Plan, told: Round) -> list[str]:
    zone, part = ZoneInfo(planned.time_zone), planned.part
    times = (part.first_us, part.last_us, part.paced_us)
    first, last, paced = (local_time(moment_us + told.shift_us, zone, with_date=True) for moment_us in times)
    fleets = _fleets(list(planned.log.zones))
    playing = f"playing {planned.folder} as {fleets}: {first} to {last} ({planned.time_zone}); what was before {paced} goes at once"
    days = told.shift_us // DAY_US
    later = f"{days} day{'s' * (days > 1)} later than it was; ids of its routes, visits and orders end in {told.suffix}"
    return [playing, *([later] if told.shift_us else [])]


def _fleets(fleet_ids: list[str]) -> str:
    return f"fleet {fleet_ids[0]}" if len(fleet_ids) == 1 else f"{len(fleet_ids)} fleets"
