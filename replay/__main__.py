"""`fleetcast-replay`: make a delivery day, score a recorded one, and play it into a live system."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from replay import keeping, model_commands
from replay.plain_errors import plain_errors, refuse

app = typer.Typer(
    help="Make delivery days, run recorded ones at full speed and score what the engine said, play them into a live system, and keep what "
    "that has: record, back up, restore, rebuild, forget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("make-day")
def make_day(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make the day in.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same day, byte for byte.")] = 1,
    fleets: Annotated[int, typer.Option(help="Fleets, each in a city of its own (1 to 999).")] = 1,
    vehicles: Annotated[int, typer.Option(help="Vehicles of each fleet (1 to 999).")] = 25,
    breakdowns: Annotated[
        int | None, typer.Option(min=0, max=999, help="Vehicles of each fleet that break down; else about one in 25.")
    ] = None,
    jams: Annotated[int | None, typer.Option(min=0, max=99, help="Jams in each city that nobody foresaw; else two or three.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty, over the day in it.")] = False,
) -> None:
    """Make a realistic delivery day with its truth, from nothing but a seed."""
    with plain_errors():
        from rich.progress import BarColumn, Progress, TaskProgressColumn

        from replay.make_day import day
        from replay.terminal import console

        if not force and folder.is_dir() and any(folder.iterdir()):
            refuse(f"{folder} is not empty; choose another folder, or say --force to write over the day in it")
        output = console()
        columns = ("making the day", BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=output, disable=not output.is_terminal, transient=True) as bar:
            task = bar.add_task("", total=1.0)
            troubles = day.Troubles(breakdowns, jams)
            made = day.make_day(folder, seed, fleets, vehicles, lambda share: bar.update(task, completed=share), troubles)
    amounts = {"fleet": made.fleets, "vehicle": made.vehicles, "route": made.routes, "stop": made.stops, "ping": made.pings}
    found = [f"{number:,} {thing}" + ("" if number == 1 else "s") for thing, number in amounts.items()]
    print(f"made {folder} from seed {seed}: {', '.join(found)}")
    if folder.suffix != ".part":  # which whoever made it will move away
        print(f"next: fleetcast-replay score {folder}")


@app.command()
def score(  # noqa: PLR0913, PLR0917 (every option is a parameter here)
    folder: Annotated[Path, typer.Argument(metavar="DAY_DIR", help="A recorded day: pings.parquet, and what else there is of it.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave events, predictions and score.json here; else nowhere.")] = None,
    engine: Annotated[Literal["bytewax", "loop"], typer.Option(help="The flow, or the plain loop that must give the same.")] = "bytewax",
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the scorecard: no bar, no exceptions.")] = False,
    every: Annotated[bool, typer.Option("--all-exceptions", help="Print every exception, not just the first 15.")] = False,
    time_zone: Annotated[str | None, typer.Option(metavar="NAME", help="IANA time zone of all fleets, whatever day.toml says.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=16, help="Processes that share the fleets of the day.")] = 1,
    proposals: Annotated[
        bool, typer.Option("--proposals", help="Look for what could be done about late stops and breakdowns, as the live system does.")
    ] = False,
    prior: Annotated[Path | None, typer.Option(metavar="FILE", help="A model file with which every fleet begins.")] = None,
    challenger: Annotated[Path | None, typer.Option(metavar="FILE", help="A model file that answers beside; scored side by side.")] = None,
    tries: Annotated[
        list[str] | None,
        typer.Option("--try", metavar="NAME=VALUE", help="A setting of the challenger; without a file it is the same model otherwise."),
    ] = None,
    models: Annotated[Path | None, typer.Option(metavar="DIR", help="Leave what each fleet learned here, as FLEET.model.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep checkpoints in --out; go on where an earlier run was cut short.")] = False,
) -> None:
    """Run a recorded day at full speed, print exceptions as they open, and end with the scorecard."""
    with plain_errors():
        from replay.score import ScoreOptions, score_folder
        from replay.scorecard.render import render
        from replay.screen import Screen, closing_lines
        from replay.start import read_start
        from replay.terminal import WIDTH, console

        if resume and out is None:
            refuse("--resume needs --out: the checkpoints are kept there")
        start = read_start(prior, challenger, tries or [])
        output, options = console(), ScoreOptions(engine, processes, resume, time_zone, proposals, start, models)
        if quiet:
            scored = score_folder(folder, out, options)
        else:
            with Screen(output, every_exception=every) as screen:
                scored = score_folder(folder, out, options, screen)
        # In a narrower terminal lines wrap, but no figure is lost.
        console(WIDTH).print(render(scored.scorecard))
        output.print()
        for line in closing_lines(scored):
            output.print(line, markup=False, soft_wrap=True)


@app.command("export-log")
def export_log(
    folder: Annotated[Path, typer.Argument(metavar="DAY_DIR", help="A recorded day as a folder of tables.")],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write log.parquet and day.toml into.")],
) -> None:
    """Write a recorded day as the log that a live system would have kept; it scores to the same digest."""
    with plain_errors():
        from replay.day_log import write_log
        from replay.read_day import read_day
        from replay.timeline import Timeline
        from stream.judge_policy import JudgePolicy

        line = read_day(folder).log
        if not isinstance(line, Timeline):
            refuse(f"{folder} holds a log.parquet already")
        entries = write_log(line, JudgePolicy(), out)
    print(f"wrote {entries:,} entries to {out / 'log.parquet'}")


@app.command()
def play(
    folder: Annotated[Path, typer.Argument(metavar="DAY_DIR", help="A recorded day: a folder of tables, or a log.parquet.")],
    speed: Annotated[float, typer.Option(min=0, max=65_536, help="Seconds of the day in a second; 0: as fast as the engine will go.")] = 60,
    seek: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Send what came before at once; else what came before the first route starts.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="HH:MM", help="End there. Times are those of the first fleet.")] = None,
    loop: Annotated[
        bool,
        typer.Option(
            "--loop",
            help="Again and again, each round whole days later, because log time never goes back. Ids of routes, visits and orders "
            "end in .2 in the second round and in .3 in the third; vehicles, stops and customers keep theirs.",
        ),
    ] = False,
    new_day: Annotated[
        bool, typer.Option("--new-day", help="Begin with the first round that these fleets have not come to, as --loop does; play it once.")
    ] = False,
    fleet_prefix: Annotated[str, typer.Option(metavar="TEXT", help="Play under other fleet ids: this and those of the day.")] = "",
    redis: Annotated[
        str | None, typer.Option(metavar="URL", help="The server; else REDIS_URL, or the one that `fleetcast` started.")
    ] = None,
) -> None:
    """Play a recorded day into a live system at 60 times its speed, with the times it had; the engine says what `score` says.

    Its fleets are driven: their time is that of the day. Keys: space pauses, + and - change the speed, f goes on ten minutes, q quits.
    """
    with plain_errors():
        from replay.play_day import PlayOptions, play_here

        options = PlayOptions(speed, seek, until, loop, new_day, fleet_prefix)
        for line in play_here(folder, options, redis):
            print(line)


app.add_typer(model_commands.app, name="models")

for name, command in keeping.COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """Run the command line."""
    # Bytewax is Rust: where a step fails, Python's traceback tells everything and Rust's nothing.
    os.putenv("RUST_BACKTRACE", "0")
    app(prog_name="fleetcast-replay")


if __name__ == "__main__":
    main()
