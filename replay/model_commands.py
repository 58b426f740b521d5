"""`fleetcast-replay models ..`: they only load what they need, and say what they did."""

from pathlib import Path
from time import time_ns
from typing import Annotated

import typer

from replay.keeping import Config, StateDir
from replay.plain_errors import plain_errors

app = typer.Typer(help="What a fleet learned, as a file: taken out, looked at, put into another fleet.", no_args_is_help=True)

ModelFile = Annotated[Path, typer.Argument(metavar="FILE", help="A model file.")]


@app.command("export")
def export(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A checkpoint (FLEET.checkpoint), or another model file.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The model file to be made.")],
    general: Annotated[bool, typer.Option("--general", help="For another city: without legs, places, areas and runs.")] = False,
) -> None:
    """Take what a fleet learned out of a checkpoint. `score --models DIR` leaves such files too."""
    with plain_errors():
        from replay.models import export_model

        print(export_model(source, file, general=general))


@app.command("show")
def show(file: ModelFile) -> None:
    """Check a model file, and say what is in it; an old, foreign or damaged one is refused with the reason."""
    with plain_errors():
        from replay.models import show_model

        print(show_model(file))


@app.command("import")
def import_(
    file: ModelFile,
    fleets: Annotated[list[str], typer.Option("--fleet", metavar="ID", help="The fleet; may be given several times.")],
    challenger: Annotated[str | None, typer.Option(metavar="NAME", help="Beside the fleet's own model, under this name.")] = None,
    config: Config = None,
    state_dir: StateDir = None,
) -> None:
    """Put a model file into the log of fleets of a live system: what they begin with, if they have learned nothing, or a challenger."""
    with plain_errors():
        from replay.at_rest import Place
        from replay.models import import_model

        for line in import_model(file, fleets, challenger, Place(config, state_dir), time_ns() // 1000):
            print(line)
