"""How a command ends that cannot do what it was told: one sentence, and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in one sentence what is wrong with what a person gave; anything else is our fault, and keeps its traceback."""
    from replay.archive import BadArchive
    from replay.day_errors import BadDay, NotDone, NotPlayed
    from replay.make_day.day import ImpossibleDay
    from replay.scorecard.day import ScorecardError

    try:
        yield
    except (BadDay, BadArchive, NotDone, NotPlayed, ImpossibleDay, ScorecardError) as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))


def refuse(sentence: str, code: int = 2) -> NoReturn:
    """Leave with an exit code: that of a wrong command line, unless another is told."""
    print(f"fleetcast-replay: {sentence}", file=sys.stderr)
    raise typer.Exit(code)
