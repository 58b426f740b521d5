"""Model files in a live system: put into the logs of fleets, by hand or, as the settings say, when a fleet has learned nothing yet."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog
from redis import Redis

from eta_models.model import ModelPolicy
from eta_models.model_file import BadModel, learned, unpack
from stream.fleet import FleetState
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import FLEETS
from stream.live.settings import LiveSettings
from stream.live.views import FleetEntry
from stream.model_parts import messages_of

log = structlog.get_logger()


def is_driven(client: "Redis", fleet_id: str) -> bool:
    """Whether somebody plays the fleet: its time is not ours."""
    entry: Any = client.hget(FLEETS, fleet_id)
    return entry is not None and msgspec.json.decode(entry, type=FleetEntry).driven


def append_model(
    client: "Redis", settings: LiveSettings, fleet_id: str, raw: bytes, challenger: str | None, at_us: int, *, driven: bool
) -> None:
    """Append a model file in pieces; `at_us` is the fleet's now, at which a driven one receives it. Raises what redis-py raises."""
    messages = [Message(fleet_id, line, at_us if driven else None) for line in messages_of(fleet_id, raw, at_us, challenger)]
    zone = settings.fleets.get(fleet_id, settings.time_zone)
    for call in calls(messages, zone, shards=settings.shards):
        client.eval(SCRIPT, len(call.keys), *call.keys, *call.args)


@dataclass(slots=True)
class Priors:
    """What fleets are to begin with. A file that cannot be used is told of once; the fleet learns from nothing then, as any other."""

    redis: Redis
    settings: LiveSettings
    files: dict[Path, bytes | None] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)

    def offer(self, state: FleetState) -> None:
        """Let a fleet that has learned nothing begin with what the settings name. Raises what redis-py raises."""
        path = self.settings.priors.get(state.fleet_id, self.settings.prior)
        if path is None or state.fleet_id in self.offered or state.now_us < 0:
            return
        self.offered.add(state.fleet_id)
        raw = self._file(path)
        if raw is None or learned(state.model) or state.named.sha256 is not None:
            return
        driven = is_driven(self.redis, state.fleet_id)
        append_model(self.redis, self.settings, state.fleet_id, raw, None, state.now_us, driven=driven)
        log.info("prior_put", fleet=state.fleet_id, file=str(path))

    def _file(self, path: Path) -> bytes | None:
        if path not in self.files:
            self.files[path] = None
            try:
                raw = path.read_bytes()
                unpack(raw, ModelPolicy())
                self.files[path] = raw
            except (OSError, BadModel) as error:
                log.error("prior_unusable", file=str(path), why=str(error))
        return self.files[path]
