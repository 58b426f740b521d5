"""`fleetcast`: the whole live system with one command; Redis if there is none, engines, API, and a recorded day if it is told one."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stream.live.embedded import EmbeddedServer
from stream.live.keys import HEARTBEATS
from stream.live.left_over import end_left_over
from stream.live.load_settings import BadSettings, load
from stream.live.programs import api, engines, environment, free_port, player, recorder
from stream.live.restarts import UNUSABLE
from stream.live.server import NoServer, check_server, connect, without_password
from stream.live.settings import LiveSettings
from stream.live.signs import health, heartbeats
from stream.live.sole import sole_owner, terminal_restored, told_to_end
from stream.live.supervisor import Hopeless, Program, Supervisor, noted_in
from stream.live.watch import Redises, Watch
from stream.live.welcome import Screen, here

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def fleetcast(
    play: Annotated[Path | None, typer.Option(metavar="DAY_DIR", help="Play this recorded day; as a later one if it was before.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="Seconds of that day in a second; 0: as fast as the engine will go.")] = 60.0,
    host: Annotated[str | None, typer.Option(help="Address the API listens on.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0 takes a free one.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Engine processes that share the shards.")] = 1,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of all that is kept.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings (TOML); see docs/settings.md.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when the played day has ended.")] = False,
) -> None:
    """Run Fleetcast: an embedded Redis server (or yours in REDIS_URL), the engine, the API, all kept running until Ctrl-C."""
    try:
        settings = load(config, host=host, port=port, state_dir=state_dir)
        if play is not None and not play.is_dir():
            raise BadSettings(f"--play: there is no folder {play}")
        if processes > settings.shards:
            raise BadSettings(f"--processes was {processes}: there are {settings.shards} shards to share")
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with sole_owner(settings.state_dir), terminal_restored():
            code = run(settings, processes, player(play, speed) if play else None, config, once=once)
    except BadSettings as error:
        refuse(str(error), 2)
    except Hopeless as error:
        refuse(str(error), error.exit_code)
    except NoServer as error:
        refuse(str(error), UNUSABLE)
    raise typer.Exit(code)


def run(settings: LiveSettings, processes: int, playing: Program | None, config: Path | None, *, once: bool) -> int:
    """Run everything until it is told to end, or the played day has ended; the exit code. Raises `Hopeless`, `NoServer`, `BadSettings`."""
    screen, told = Screen(), told_to_end()
    for name in end_left_over(noted_in(settings.state_dir)):
        screen.say(f"ended {name}, which an earlier fleetcast had left behind")
    settings = settings.model_copy(update={"state_dir": settings.state_dir.resolve(), "port": free_port(settings)})
    with ExitStack() as ending:
        redises = serve(settings, screen, ending)
        supervisor = Supervisor(settings.state_dir, environment(settings, redises.url, config), screen.say)
        ending.callback(supervisor.end, lambda: len(told) > 1)
        if settings.record_dir is not None:
            # First, so that it is ended last: it records what the others say at their end.
            supervisor.add(recorder(settings.record_dir.resolve())._replace(sign=heartbeats(redises.client)))
        for program in engines(settings, processes):
            supervisor.add(program._replace(sign=heartbeats(redises.client)))
        supervisor.add(api()._replace(sign=health(here(settings.host), settings.port)))
        screen.say(f"starting: {processes} engine process{'es' * (processes > 1)} and the API, on Redis at {without_password(redises.url)}")
        code = Watch(settings, supervisor, redises, screen, lambda: len(told) > 0, playing, once).run()
        screen.say("ending everything")
    screen.say("ended")
    return code


def serve(settings: LiveSettings, screen: Screen, ending: ExitStack) -> Redises:
    """The server that is named, else one of ours; what is ours ends with `ending`. Raises `NoServer`."""
    server, url = None, settings.redis_url
    if url is None:
        server = EmbeddedServer(settings.state_dir)
        url = server.url
        ending.callback(server.stop)
        if server.start():
            screen.say("found the Redis server of an earlier fleetcast running: going on with it")
    for note in check_server(url):
        screen.say(f"note: {note}")
    client = ending.enter_context(connect(url))
    if server is not None:
        client.delete(HEARTBEATS)  # nobody works for it yet: those of processes that are no more would count as hung
    return Redises(client, url, server)


def refuse(sentences: str, code: int) -> NoReturn:
    """Leave, saying why."""
    for sentence in sentences.splitlines():
        typer.echo(f"fleetcast: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    app(prog_name="fleetcast")


if __name__ == "__main__":
    main()
