"""`fleetcast-replay models`: what a fleet learned, taken out of a checkpoint, looked at, and put into the log of another fleet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eta_models.model import ModelPolicy
from eta_models.model_file import BadModel, ModelFile, pack, unpack
from replay.at_rest import Place, serving
from replay.day_errors import NotDone
from stream.checkpoint import UnusableCheckpoint, load
from stream.durable import write_durably
from stream.fleet import FleetState
from stream.live.keys import fleet_key
from stream.live.priors import append_model, is_driven
from stream.moments import instant

ENDING = ".model"


def export_model(source: Path, file: Path, *, general: bool) -> str:
    """Make a model file from a checkpoint or another model file; returns what is in it. Raises `NotDone`."""
    if file.exists():
        raise NotDone(f"{file} is there already: choose another name")
    raw = source.read_bytes()
    try:
        model = _model_of(raw)
        about = model.about
        made = pack(model.model, about.fleet_id, about.until_us, about.settings, general=general or about.general)
        write_durably(file, made)
        return f"{file}: {described(unpack(made, ModelPolicy()))}"
    except (UnusableCheckpoint, BadModel) as error:
        raise NotDone(f"{source}: {error}") from error


def leave_model(folder: Path, state: FleetState) -> None:
    """What a fleet has learned, as `FLEET.model`."""
    write_durably(folder / f"{state.fleet_id}{ENDING}", packed(state))


def packed(state: FleetState) -> bytes:
    """The model of a fleet as a file."""
    state.model.export()
    return pack(state.model, state.fleet_id, state.now_us, state.named.settings, general=False)


def show_model(file: Path) -> str:
    """What is in a model file. Raises `NotDone`."""
    return described(_checked(file)[1])


def import_model(file: Path, fleet_ids: list[str], challenger: str | None, place: Place, now_us: int) -> Iterator[str]:
    """Put a model into the logs of fleets of the live system. Raises `NotDone`, and what redis-py raises."""
    raw, model = _checked(file)
    settings = place.settings()
    with serving(settings) as client:
        for fleet_id in fleet_ids:
            driven = is_driven(client, fleet_id)
            stored: Any = client.hget(fleet_key("fleet", fleet_id), "now_us") if driven else now_us
            if stored is None:
                raise NotDone(f"fleet {fleet_id} is played, and has not begun: put the model in when it has")
            append_model(client, settings, fleet_id, raw, challenger, int(stored), driven=driven)
            what = f"challenger {challenger}" if challenger is not None else "what it begins with, if it has learned nothing"
            yield f"fleet {fleet_id}: {described(model)}, as {what}"


def described(file: ModelFile) -> str:
    """A model file in a line."""
    about = file.about
    scope = "the general part" if about.general else f"{about.legs:,} legs, {about.places:,} places"
    unusual = "".join(f", {name} {value:g}" for name, value in sorted(about.settings.items()))
    until = f"{instant(max(about.until_us, 0)):%Y-%m-%d %H:%MZ}"
    return f"model {file.sha256[:8]} of fleet {about.fleet_id}, {about.questions:,} questions until {until}, {scope}{unusual}"


def _checked(file: Path) -> tuple[bytes, ModelFile]:
    raw = file.read_bytes()
    try:
        return raw, unpack(raw, ModelPolicy())
    except BadModel as error:
        raise NotDone(f"{file}: {error}") from error


def _model_of(raw: bytes) -> ModelFile:
    """A model from the bytes of a checkpoint or of a model file. Raises `UnusableCheckpoint` or `BadModel`."""
    try:
        return unpack(raw, ModelPolicy())
    except BadModel:
        if raw.startswith(b"FLEETCAST-MODEL"):
            raise
    return unpack(packed(load(raw, ModelPolicy())), ModelPolicy())
