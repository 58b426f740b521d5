"""`fleetcast-api`: the HTTP API on the Redis that the engine writes to, until it is told to end.

Exit codes: 0 it was told to end (SIGTERM, SIGINT); 1 it failed; 2 a wrong command line; 78 settings, state folder, address or Redis
cannot be used, and a sentence on stderr says which (EX_CONFIG).
"""

import signal
import sys
from pathlib import Path
from socket import socket
from typing import Annotated, NoReturn

import typer

from api.listening import CannotListen, address_of, bind
from stream.live.restarts import UNUSABLE
from stream.live.settings import LiveSettings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = None,
    restarts: Annotated[int, typer.Option(help="How often a supervisor has started it before.", hidden=True)] = 0,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings (TOML); see docs/settings.md.")] = None,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the API key and the embedded server.")] = None,
) -> None:
    """Answer HTTP requests with what is true now, and take in pings and facts."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))

    from stream.live.load_settings import BadSettings, load
    from stream.live.logs import start_logging
    from stream.live.server import NoServer, check_server, find_server

    try:
        settings = load(config, host=host, port=port, state_dir=state_dir)
        start_logging(settings.log_level, "api")
        url = find_server(settings)
        check_server(url)
        listening = bind(settings.host, settings.port)
    except (BadSettings, NoServer, CannotListen) as error:
        _leave(str(error))
    with listening:
        _serve(settings, url, listening, restarts)


def _serve(settings: LiveSettings, url: str, listening: socket, restarts: int) -> NoReturn:
    # FastAPI takes a second to import: a mistake is told before.
    import asyncio

    import uvloop
    from redis.exceptions import RedisError

    from api.first_key import first_key, make_known
    from api.serving import serve
    from stream.live.server import connect

    try:
        with connect(url) as redis:
            make_known(redis, first_key(settings.state_dir))
    except RedisError as error:
        _leave(f"Redis does not take the API key: {error}")
    except (OSError, UnicodeDecodeError) as error:
        _leave(f"the API key in {settings.state_dir} cannot be read or made: {error}")
    print(f"listening on {address_of(listening)}", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(serve(settings, url, listening, restarts)) else 1)


def _leave(sentence: str) -> NoReturn:
    print(f"fleetcast-api: {sentence}", file=sys.stderr)
    raise typer.Exit(UNUSABLE)


def main() -> None:
    """Run the command line."""
    app(prog_name="fleetcast-api")


if __name__ == "__main__":
    main()
