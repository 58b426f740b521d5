"""The processes of the live system: their commands, and what they find in their environment."""

import os
import socket
import sys
from itertools import pairwise
from pathlib import Path

from stream.live.load_settings import CONFIG, PREFIX, BadSettings
from stream.live.settings import LiveSettings
from stream.live.supervisor import Program

STANDBY_AFTER_S = 10.0
"""Those that stand by are started when the others have what they need to start quickly."""


def engines(settings: LiveSettings, processes: int) -> list[Program]:
    """The engine processes, each with its share of the shards, and behind each one that stands by."""
    bounds = [settings.shards * place // processes for place in range(processes + 1)]
    shares = [f"{first}-{after - 1}" for first, after in pairwise(bounds)]
    waits = ["--standby"] if settings.standby else []
    at_work = [Program(f"stream-{share}", [*python("stream.live"), *waits, "--shards", share]) for share in shares]
    standing_by = [one._replace(name=f"{one.name}-standby", after_s=STANDBY_AFTER_S) for one in at_work if waits]
    return [*at_work, *standing_by]


def api() -> Program:
    """The process of the API."""
    return Program("api", python("api"), count_as="--restarts")


def recorder(archive: Path) -> Program:
    """What keeps the log for good."""
    return Program("record", [*python("replay"), "record", str(archive)], count_as="--restarts")


def player(day: Path, speed: float) -> Program:
    """What plays a day; one that has been played before, as a later day, because log time never goes back."""
    command = [*python("replay"), "play", str(day), "--speed", f"{speed:g}", "--new-day"]
    return Program("player", command, lasts=False, on_terminal=True)


def python(module: str) -> list[str]:
    """The command of a module of ours, whatever folder of its name may stand in the working directory (-P)."""
    return [sys.executable, "-P", "-m", module]


def environment(settings: LiveSettings, url: str, config: Path | None) -> dict[str, str]:
    """What child processes find in their environment: what we were told goes before everything else there too."""
    told = {"REDIS_URL": url, "STATE_DIR": str(settings.state_dir), "HOST": settings.host, "PORT": str(settings.port)}
    file = {CONFIG: str(config.resolve())} if config is not None else {}
    return {**os.environ, **file, "REDIS_URL": url, **{f"{PREFIX}{name}": value for name, value in told.items()}}


def free_port(settings: LiveSettings) -> int:
    """The port that was asked for, or a free one for 0. Raises `BadSettings` if it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.create_server((settings.host, settings.port), family=family) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # socket says there once more which address
        raise BadSettings(f"port {settings.port} of {settings.host} cannot be had ({why}): choose another with --port") from error
