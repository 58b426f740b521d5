"""A live system that stands still: nobody works on its shards, and its Redis answers, even where it is the embedded one."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from replay.day_errors import NotDone
from stream.live.embedded import EmbeddedServer
from stream.live.load_settings import BadSettings, load
from stream.live.ownership import Owned, own
from stream.live.server import NoServer, check_server, connect
from stream.live.settings import LiveSettings

PATIENCE_S = 600.0
"""A server takes seconds to give or to take hundreds of megabytes at once, more on a busy machine."""


class Place(NamedTuple):
    """Where a command is to look for the live system: the settings file and the state folder that it was told, if any."""

    config: Path | None = None
    state_dir: Path | None = None

    def settings(self) -> LiveSettings:
        """The settings. Raises `NotDone`."""
        try:
            return load(self.config, state_dir=self.state_dir)
        except BadSettings as error:
            raise NotDone(str(error)) from error


@contextmanager
def serving(settings: LiveSettings) -> Iterator["Redis"]:
    """A client of the server; the embedded one runs as long as this, where it does not run anyway. Raises `NotDone`."""
    with ExitStack() as ending:
        try:
            url = settings.redis_url
            if url is None:
                server = EmbeddedServer(settings.state_dir)
                url = server.url
                if not server.start():
                    ending.callback(server.stop)
            check_server(url)
            yield ending.enter_context(connect(url, PATIENCE_S))
        except (NoServer, RedisError) as error:
            raise NotDone(str(error)) from error


@contextmanager
def still(settings: LiveSettings, shards: Iterable[int] | None = None) -> Iterator[None]:
    """No engine of this machine works on the shards (None: on any) as long as this. Raises `NotDone`."""
    try:
        with own(settings.state_dir / "locks", range(settings.shards) if shards is None else sorted(set(shards))):
            yield
    except Owned as error:
        raise NotDone(f"{error}: end the engine first, and start it again afterwards") from error
