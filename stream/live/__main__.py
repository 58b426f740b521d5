"""`fleetcast-stream`: the engine of some shards, until it is told to end."""

import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated, NoReturn

import typer

from stream.live.restarts import OWNED_ELSEWHERE, UNUSABLE

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def stream(
    shards: Annotated[str | None, typer.Option(metavar="A-B", help="Shards of this process, such as 0-7 or 3 or 0-3,8; none: all.")] = None,
    standby: Annotated[bool, typer.Option("--standby", help="Wait while another engine has the shards, and go on when it dies.")] = False,
    restarts: Annotated[int, typer.Option(help="How often a supervisor has started it before.", hidden=True)] = 0,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings (TOML); see docs/settings.md.")] = None,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of checkpoints, locks and the embedded server.")] = None,
) -> None:
    """Consume the log of some shards from Redis, and write the present and the events into it."""
    from stream.live.load_settings import BadSettings, load
    from stream.live.logs import start_logging
    from stream.live.ownership import Owned, own, shards_of
    from stream.live.server import NoServer, check_server, connect, find_server

    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = load(config, state_dir=state_dir)
        mine = shards_of(shards or f"0-{settings.shards - 1}", settings.shards)
        start_logging(settings.log_level, f"stream-{mine[0]}")
        folder = settings.state_dir / "locks"
        # Before anything slow is imported: a second engine is to leave at once.
        locks = None if standby else own(folder, mine)
        url = find_server(settings)
        check_server(url)
    except Owned as error:
        _leave(str(error), OWNED_ELSEWHERE)
    except (BadSettings, NoServer, ValueError) as error:
        _leave(str(error), UNUSABLE)
    from stream.live.run import run
    from stream.live.standby import own_when_free

    redis = connect(url)
    if locks is None:
        locks = own_when_free(folder, redis, mine, stopping.is_set)
    if locks is None:
        sys.exit(0)
    with locks:
        sys.exit(run(settings, redis, mine, restarts, stopping.is_set))


def _leave(sentence: str, code: int) -> NoReturn:
    print(f"fleetcast-stream: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    # Bytewax is Rust: where a step fails, Python's traceback tells everything and Rust's nothing.
    os.putenv("RUST_BACKTRACE", "0")
    app(prog_name="fleetcast-stream")


if __name__ == "__main__":
    main()
