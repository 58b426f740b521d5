"""Settings as a command gets them: told, from the environment, from a TOML file; every mistake in a sentence that says where it stands."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from stream.live.settings import LiveSettings
from stream.texts import is_id

PREFIX = "FLEETCAST_"
CONFIG = f"{PREFIX}CONFIG"
"""Names the file where `--config` does not."""

DEFAULT_FILE = Path("fleetcast.toml")
KEYS = tuple(LiveSettings.model_fields)


class BadSettings(ValueError):
    """Settings that cannot be used: one sentence a line."""


def load(config: Path | None = None, **told: object) -> LiveSettings:
    """The settings. `told` are those of the command line (None: not told); they go before the environment, and that before the file.

    Without `config` the file is the one in FLEETCAST_CONFIG, or fleetcast.toml in the working directory if there is one. REDIS_URL means
    FLEETCAST_REDIS_URL where that is not set. Empty variables count as not set. Raises `BadSettings`.
    """
    given = {name: value for name, value in os.environ.items() if value}
    said = {key: value for key, value in told.items() if value is not None}
    told_by = {key: f"--{key.replace('_', '-')}" for key in said}
    if "redis_url" not in said and f"{PREFIX}REDIS_URL" not in given and "REDIS_URL" in given:
        said["redis_url"], told_by["redis_url"] = given["REDIS_URL"], "REDIS_URL"
    file = config or (Path(given[CONFIG]) if CONFIG in given else None)
    written = _read(file)
    where = {key: f"{file or DEFAULT_FILE}" if key in written else "the default" for key in KEYS}
    where |= {key: f"{PREFIX}{key.upper()}" for key in KEYS if f"{PREFIX}{key.upper()}" in given} | told_by
    wrong = _misspelt(given)

    class Loaded(LiveSettings):
        model_config = SettingsConfigDict(toml_file=file or DEFAULT_FILE, env_ignore_empty=True)

    try:
        settings = Loaded(**said)  # type: ignore[arg-type]  # pydantic judges them
    except ValidationError as error:
        wrong += [_sentence(problem["loc"], problem["msg"], problem["input"], where, file) for problem in error.errors()]
    except SettingsError as error:
        wrong += [f"a variable cannot be read: {error}; lists and tables are written as JSON there"]
    else:
        wrong += _bad_zones(settings, where)
    if wrong:
        raise BadSettings("\n".join(wrong))
    return settings


def _read(file: Path | None) -> Mapping[str, object]:
    """What the file holds; nothing where none was named and the usual one is not there."""
    if file is None and not DEFAULT_FILE.exists():
        return {}
    path = file or DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"the settings file {path} is not TOML: {error}") from error


def _sentence(place: tuple[int | str, ...], problem: str, value: object, where: Mapping[str, str], file: Path | None) -> str:
    key = ".".join(map(str, place))
    if place[0] not in KEYS:
        near = difflib.get_close_matches(str(place[0]), KEYS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
        return f"{file or DEFAULT_FILE}: {key} is no setting; {hint}"
    shown = "" if place[0] == "redis_url" else f" was {value!r}:"
    return f"{where[str(place[0])]}: {key}{shown} {problem[:1].lower()}{problem[1:]}"


def _misspelt(given: Mapping[str, str]) -> list[str]:
    """Variables that are nearly the name of a setting. Others with our prefix may be anybody's: Kubernetes makes FLEETCAST_SERVICE_HOST."""
    names = {f"{PREFIX}{key.upper()}" for key in KEYS} | {CONFIG}
    near = {name: difflib.get_close_matches(name, names, 1, 0.92) for name in given if name.startswith(PREFIX) and name not in names}
    return [f"{name} is no setting; did you mean {match[0]}?" for name, match in near.items() if match]


def _bad_zones(settings: LiveSettings, where: Mapping[str, str]) -> list[str]:
    named = [("time_zone", "time_zone", settings.time_zone), *((f"fleets.{id_}", "fleets", zone) for id_, zone in settings.fleets.items())]
    ids = [f"{where['fleets']}: fleets: {fleet_id!r} cannot be the id of a fleet" for fleet_id in settings.fleets if not is_id(fleet_id)]
    zones = [f"{where[key]}: {name} was {zone!r}: no IANA time zone has that name" for name, key, zone in named if not _is_zone(zone)]
    return ids + zones


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
