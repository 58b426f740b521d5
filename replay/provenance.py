"""What a score was made with and from: versions, settings and data, so that two scores can be told apart."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from stream.settings import FleetSettings

INPUTS = ("day.toml", "fences.geojson", "log.parquet", "pings.parquet", "routes.parquet", "statuses.parquet", "vehicles.parquet")
"""Everything of a day that the engine reads, in the order of the hash. Truth is no input."""

PACKAGES = ("fleetcast", "bytewax", "river", "numpy", "polars", "h3", "shapely")


def versions() -> dict[str, str | None]:
    """Versions of Python and of what figures depend on; None for what is not installed or, as Valkey in a replay, plays no part."""
    found: dict[str, str | None] = {"python": platform.python_version(), "valkey": None}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def settings_hash(settings: Mapping[str, FleetSettings]) -> str:
    """SHA-256 of the settings of all fleets as JSON with sorted names."""
    return hashlib.sha256(msgspec.json.encode(dict(settings), order="sorted")).hexdigest()


def data_hash(folder: Path) -> str:
    """SHA-256 over name, size and bytes of each of `INPUTS` and of the files of an archive that are there."""
    sha = hashlib.sha256()
    for path in (*(folder / name for name in INPUTS), *sorted((folder / "log").glob("*/*.parquet"))):
        if path.is_file():
            sha.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    sha.update(chunk)
    return sha.hexdigest()
