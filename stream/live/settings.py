"""Settings of the live system, from a TOML file and the environment; each with its unit, its default and what it is for."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from stream.log import SHARDS


class LiveSettings(BaseSettings):
    """Every field is a key of `fleetcast.toml` and, in capitals behind `FLEETCAST_`, a variable of the environment, which wins."""

    model_config = SettingsConfigDict(env_prefix="FLEETCAST_", toml_file="fleetcast.toml", extra="forbid", frozen=True)

    redis_url: Annotated[
        str | None, Field(description="A Redis or Valkey server of your own (also `REDIS_URL`); none: an embedded one.")
    ] = None
    state_dir: Annotated[Path, Field(description="Folder of checkpoints, locks, the generated API key and the embedded server.")] = Path(
        ".fleetcast"
    )
    time_zone: Annotated[str, Field(description="IANA time zone of fleets that are not listed under `fleets`.")] = "UTC"
    fleets: Annotated[dict[str, str], Field(description="Fleets and their IANA time zones.")] = {}
    shards: Annotated[int, Field(ge=1, le=99, description="Shards of the log, fixed when it is made.")] = SHARDS
    linger_ms: Annotated[
        float,
        Field(
            ge=0,
            le=1_000,
            description="Milliseconds that the engine, when it is busy, waits for more at most before it takes a small batch.",
        ),
    ] = 4.0
    batch: Annotated[int, Field(ge=1, le=100_000, description="Messages of a batch at most.")] = 5_000
    checkpoint_every_s: Annotated[float, Field(ge=1, description="Seconds between two checkpoints of a fleet.")] = 20.0
    retention_mb: Annotated[
        int, Field(ge=1, description="Megabytes of log kept in Redis; what no checkpoint knows yet is kept anyway.")
    ] = 512
    retention_min: Annotated[float, Field(gt=0, description="Minutes of log kept in Redis, with the same exception.")] = 30.0
    record_dir: Annotated[
        Path | None,
        Field(description="Archive into which `fleetcast` records the whole log, as `fleetcast-replay record` does."),
    ] = None
    record_patience_min: Annotated[
        float,
        Field(
            gt=0,
            description="Minutes for which the log waits for a silent recorder, while it has less than twice `retention_mb`.",
        ),
    ] = 60.0
    events_kept: Annotated[int, Field(ge=1_000, description="Events kept for subscribers that come back.")] = 200_000
    dead_letters_kept: Annotated[int, Field(ge=100, description="Refused inputs kept to be looked at.")] = 100_000
    proposals: Annotated[
        bool,
        Field(description="Whether the engine looks for what could be done about late stops and breakdowns, in a thread of its own."),
    ] = True
    accept_by_rule: Annotated[
        list[str],
        Field(description="Fleets whose first proposal is accepted where it makes nobody late and saves ten weighted minutes."),
    ] = []
    road_times_url: Annotated[
        str | None,
        Field(description="An OSRM or Valhalla server that knows ways nobody has driven, for proposals; none: the ETA models do."),
    ] = None
    road_times_engine: Annotated[str, Field(pattern="^(osrm|valhalla)$", description="Which of the two it is.")] = "osrm"
    road_times_profile: Annotated[str | None, Field(description="Its profile or costing; none: `driving` of OSRM, `auto` of Valhalla.")] = (
        None
    )
    road_times_timeout_s: Annotated[
        float, Field(gt=0, le=60, description="Seconds that a request to it may take; then the ETA models' times count for a minute.")
    ] = 2.0
    polish: Annotated[
        bool, Field(description="Whether pyvroom polishes proposals; it has to be installed (`pip install fleetcast[vroom]`).")
    ] = False
    prior: Annotated[
        Path | None,
        Field(description="Model file (`fleetcast-replay models`) with which fleets begin that have learned nothing yet; see docs/eta.md."),
    ] = None
    priors: Annotated[dict[str, Path], Field(description="The same for single fleets.")] = {}
    standby: Annotated[
        bool,
        Field(description="Whether `fleetcast` keeps a second engine (about 130 MB) beside each, which goes on at once where one dies."),
    ] = True
    host: Annotated[str, Field(description="Address the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="Port the API listens on; 0 takes a free one.")] = 8080
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$", description="Least level that is logged.")] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic names them)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What a command was told goes before the environment, and that before the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
