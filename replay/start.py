"""What every fleet of a run begins with besides nothing: what another fleet learned, and a second model beside its own."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from eta_models.model import ModelPolicy
from eta_models.model_file import BadModel, unpack
from eta_models.model_settings import wrong_settings
from replay.day_errors import BadDay
from stream.fleet import FleetState
from stream.steps.models import begin_with, challenge

NAME = "challenger"


@dataclass(frozen=True, slots=True)
class Start:
    """Bytes of model files. A challenger without a file is what the fleet begins with, under other settings."""

    prior: bytes | None = None
    challenger: bytes | None = None
    settings: dict[str, float] = field(default_factory=dict)

    def __call__(self, policy: ModelPolicy, state: FleetState) -> None:
        """Begin a fleet. The files have been looked at before."""
        if self.prior is not None:
            begin_with(policy, state, self.prior)
        if self.challenger is not None or self.settings:
            challenge(policy, state, NAME, self.challenger, self.settings)

    def made_from(self) -> dict[str, object]:
        """What tells runs apart; nothing where fleets begin with nothing."""
        files = {name: sha256(raw).hexdigest() for name, raw in (("prior", self.prior), ("challenger", self.challenger)) if raw is not None}
        return {"start": {**files, "settings": self.settings}} if files or self.settings else {}


def read_start(prior: Path | None, challenger: Path | None, settings: list[str]) -> Start:
    """Files and settings as a person gave them. Raises `BadDay` where they cannot be used."""
    return Start(_read(prior), _read(challenger), dict(map(_setting, settings)))


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    raw = path.read_bytes()
    try:
        unpack(raw, ModelPolicy())
    except BadModel as error:
        raise BadDay(f"{path}: {error}") from error
    return raw


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        setting = name, float(value)
    except ValueError as error:
        raise BadDay(f"a setting is NAME=VALUE with a number, not {text!r}") from error
    if wrong := wrong_settings(dict([setting])):
        raise BadDay(wrong)
    return setting
