"""The loop of `fleetcast`: keeps everything running, says what happens, plays a day once everything is ready."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from stream.live.embedded import EmbeddedServer
from stream.live.exception_lines import ExceptionTail
from stream.live.restarts import Deed, Life, Seen, begun, buried, deed
from stream.live.server import NoServer, without_password
from stream.live.settings import LiveSettings
from stream.live.signs import ask, left_to_take
from stream.live.supervisor import Program, Supervisor
from stream.live.welcome import Screen, here, welcome

LOOK_EVERY_MS = 200
IMPATIENT_AFTER_S = 30.0
"""When a person is told what keeps the system from being ready."""
TAKEN_WITHIN_S = 60.0
"""How long the engine may take for the rest of a day that has been played."""


class Redises(NamedTuple):
    """The server: how it is spoken to, where it is, and itself where it is ours."""

    client: "Redis"
    url: str
    server: EmbeddedServer | None


@dataclass(slots=True)
class Watch:
    """Runs until `stopping` says so, or with `once` until the day has been played."""

    settings: LiveSettings
    supervisor: Supervisor
    redises: Redises
    screen: Screen
    stopping: Callable[[], bool]
    player: Program | None = None
    once: bool = False
    _server_life: Life = field(default_factory=lambda: begun(Life(), time.monotonic()))
    _told_of_end: bool = False

    def run(self) -> int:
        """The exit code: 0, or with `once` that of the player. Raises `Hopeless`, and what redis-py raises if it is away at the start."""
        tail = ExceptionTail(self.redises.client, self.settings.fleets)
        if not self._become_ready(tail):
            return 0
        if self.player is not None:
            self.supervisor.add(self.player)
        while not self.stopping():
            self._keep(tail)
            if self.player is not None and (code := self.supervisor.exit_code(self.player.name)) is not None:
                if self.once:
                    return code or self._take_the_rest(tail)
                self._tell_of_end(code)
        return 0

    def _become_ready(self, tail: ExceptionTail) -> bool:
        """Wait until the API says so; False if it was told to end before."""
        impatient_s = time.monotonic() + IMPATIENT_AFTER_S
        while not self.stopping():
            self._keep(tail)
            status, told = ask(here(self.settings.host), self.settings.port, "/readyz")
            if status == 200:
                for line, style in welcome(self.settings, without_password(self.redises.url)):
                    self.screen.say(line, style)
                return True
            if time.monotonic() > impatient_s:
                self.screen.say(f"not ready yet: {f'/readyz answers {status}: {told}' if status else f'the API does not answer ({told})'}")
                impatient_s += IMPATIENT_AFTER_S
        return False

    def _keep(self, tail: ExceptionTail) -> None:
        """One look at everything."""
        if self.redises.server is not None:
            self._keep_server(self.redises.server)
        self.supervisor.look()
        self._tell(tail)

    def _keep_server(self, server: EmbeddedServer) -> None:
        now_s, life = time.monotonic(), self._server_life
        gone = life.started_s is not None and not server.is_running()
        doing = deed(life, Seen(exit_code=0 if gone else None), now_s)
        if doing is Deed.BURY:
            self._server_life = buried(life, now_s)
            self.screen.say(f"the Redis server ended; starting it again in {self._server_life.due_s - now_s:.0f} s")
        elif doing is Deed.START:
            self._server_life = begun(life, now_s)
            try:
                server.start()
            except NoServer as error:
                self.screen.say(str(error))

    def _tell(self, tail: ExceptionTail) -> bool:
        """Print what opened and resolved, waiting a moment for it; whether there was anything."""
        told = False
        try:
            for line in tail.wait(LOOK_EVERY_MS):
                self.screen.say(line)
                told = True
        except (RedisError, OSError):
            time.sleep(LOOK_EVERY_MS / 1000)
        return told

    def _take_the_rest(self, tail: ExceptionTail) -> int:
        """Until the engine has taken the whole day, and has nothing more to say."""
        end_s = time.monotonic() + TAKEN_WITHIN_S
        while not self.stopping() and time.monotonic() < end_s and left_to_take(self.redises.client) > 0:
            self._keep(tail)
        while not self.stopping() and self._tell(tail):
            pass
        return 0

    def _tell_of_end(self, code: int) -> None:
        if not self._told_of_end and not self.stopping():
            self._told_of_end = True
            how = "the day has been played" if code == 0 else f"the player ended with exit code {code}"
            self.screen.say(f"{how}; the system goes on until Ctrl-C")
