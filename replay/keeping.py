"""The commands of `fleetcast-replay` that keep what a live system has: they only load what they need, and say what they did."""

import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Literal

import typer

from replay.plain_errors import plain_errors, refuse

Config = Annotated[Path | None, typer.Option(metavar="FILE", help="Settings (TOML); see docs/settings.md.")]
StateDir = Annotated[Path | None, typer.Option(metavar="DIR", help="State folder of the live system.")]


def record(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive: it is begun, or gone on with where it ends.")],
    once: Annotated[bool, typer.Option("--once", help="End when all that is in the log is recorded.")] = False,
    restarts: Annotated[int, typer.Option(help="How often a supervisor has started it before.", hidden=True)] = 0,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Keep the whole log of a live system, and its dead letters, as Parquet by day and hour, until told to end.

    What it writes is a recorded day: `score`, `play` and `rebuild` read it.
    """
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    from replay.record_here import Recording, record_here

    with plain_errors():
        code, sentence = record_here(Recording(folder, once, restarts, config, state_dir), stopping)
    if code:
        refuse(sentence, code)
    print(sentence)


def rebuild(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive that `record` made.")],
    fleets: Annotated[list[str] | None, typer.Option("--fleet", metavar="ID", help="Only this fleet; may be given several times.")] = None,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Make checkpoints anew that were lost, cannot be read, or are older than what the log still holds. The engine must stand still."""
    from replay.at_rest import Place
    from replay.rebuild import rebuild_here

    with plain_errors():
        for line in rebuild_here(folder, fleets or [], Place(config, state_dir)):
            print(line)


def back_up(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="File to be made; only its owner may read it.")],
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="The archive, to be in it; else FLEETCAST_RECORD_DIR if set.")] = None,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Back up a live system into one file while it runs, or stands still: checkpoints, resume points, API key, archive, all of Redis."""
    from replay.at_rest import Place
    from replay.back_up import back_up_here

    with plain_errors():
        print(back_up_here(file, archive, Place(config, state_dir)))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.tar", help="What `back-up` made.")],
    archive: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its archive is to go; else FLEETCAST_RECORD_DIR if set.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="In place of checkpoints and keys that are there.")] = False,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Put a back-up in place, once all of it has been found whole. The engine must stand still."""
    from replay.at_rest import Place
    from replay.restore import restore_here

    with plain_errors():
        for line in restore_here(file, archive, Place(config, state_dir), force=force):
            print(line)


def dead_letters(
    doing: Annotated[
        Literal["list", "show", "reinject"], typer.Argument(help="Count them, show the newest, or put them in again.")
    ] = "list",
    reason: Annotated[str | None, typer.Option(metavar="CODE", help="Only those with this reason code.")] = None,
    fleet: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this fleet.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many are shown.")] = 20,
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="Archive to look in for bytes that the log has no more.")] = None,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """List, show or put in again what was not applied, by reason: once the route is published, the fence repaired, the clock set."""
    from replay.at_rest import Place
    from replay.dead_letters_here import dead_letters_here

    with plain_errors():
        if doing == "reinject" and reason is None:
            refuse("say which with --reason CODE: what was refused for other reasons would only be refused again")
        for line in dead_letters_here(doing, reason, fleet, limit, archive, Place(config, state_dir)):
            print(line)


def forget(
    fleet: Annotated[str, typer.Option(metavar="ID", help="The fleet.")],
    vehicle: Annotated[str | None, typer.Option(metavar="ID", help="Forget where this vehicle was.")] = None,
    order: Annotated[str | None, typer.Option(metavar="REF", help="Forget where this order went, to whom, and its proof.")] = None,
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="Its archive; else FLEETCAST_RECORD_DIR if set.")] = None,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Forget where a vehicle was, or all about an order: in checkpoint, archive and Redis. Engine and recorder must stand still."""
    from replay.at_rest import Place
    from replay.forget import forget_here
    from replay.forget_lines import Order, Vehicle

    if (vehicle is None) == (order is None):
        refuse("say either --vehicle ID or --order REF")
    with plain_errors():
        wish = Vehicle(fleet, vehicle) if vehicle is not None else Order(fleet, order or "")
        for line in forget_here(wish, archive, Place(config, state_dir)):
            print(line)


COMMANDS: dict[str, Callable[..., Any]] = {
    "record": record,
    "rebuild": rebuild,
    "back-up": back_up,
    "restore": restore,
    "dead-letters": dead_letters,
    "forget": forget,
}
"""Their names."""
