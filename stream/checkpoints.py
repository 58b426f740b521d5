"""Checkpoints on disk: one file a fleet, replaced whole, so that there is always an old one or a new one and never half of one."""

from pathlib import Path

import msgspec

from eta_models.envelope import UntrustedModel
from eta_models.model import ModelPolicy
from stream.checkpoint import UnusableCheckpoint, dump, load
from stream.durable import write_durably
from stream.fleet import FleetState


class Checkpoints:
    """The checkpoints of a folder. Several processes may use it at once as long as each owns other fleets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _path(self, fleet_id: str) -> Path:
        return self.folder / f"{fleet_id}.checkpoint"

    def write(self, state: FleetState) -> None:
        """Make the state durable."""
        self.put(state.fleet_id, dump(state))

    def put(self, fleet_id: str, sealed: bytes) -> None:
        """Make a sealed checkpoint durable."""
        write_durably(self._path(fleet_id), sealed)

    def read(self, fleet_id: str, policy: ModelPolicy) -> FleetState | None:
        """The fleet's last durable state, None where there is none. Raises `UnusableCheckpoint`, naming the file."""
        path = self._path(fleet_id)
        if not path.exists():
            return None
        try:
            state = load(path.read_bytes(), policy)
        except (UnusableCheckpoint, UntrustedModel, msgspec.DecodeError) as error:
            msg = f"{path}: {error}; make it anew with `fleetcast-replay rebuild`, or remove the file to rebuild the fleet from its log"
            raise UnusableCheckpoint(msg) from error
        if state.fleet_id != fleet_id:
            msg = f"{path} is of fleet {state.fleet_id!r}; remove the file to rebuild fleet {fleet_id!r} from its log"
            raise UnusableCheckpoint(msg)
        return state
