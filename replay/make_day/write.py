"""The files of a made day: Parquet tables in a fixed order, fences, and what the day is made of. No wall-clock time in any."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from replay.make_day.doors import depot_door
from replay.make_day.parameters import FROZEN
from replay.make_day.tables import ARRIVALS, ROUTES, STATUSES, VEHICLES, Setting, Tables

MAKER = "fleetcast-replay make-day 1"
"""What `day.toml` names as its maker; the number goes up when the same parameters give other rows."""


def write_tables(folder: Path, tables: Tables) -> None:
    """Writes the five tables and `fences.geojson` into `folder`; pings and statuses in the order of their receipt."""
    pings = pl.concat(tables.pings).sort("received_at", "fleet_id", "vehicle_id", "ts", maintain_order=True)
    pings.write_parquet(folder / "pings.parquet")
    statuses = pl.DataFrame(tables.statuses, schema=STATUSES, orient="row")
    statuses.sort("received_at", "fleet_id", "vehicle_id", "at", maintain_order=True).write_parquet(folder / "statuses.parquet")
    pl.DataFrame(tables.routes, schema=ROUTES, orient="row").write_parquet(folder / "routes.parquet")
    pl.DataFrame(tables.vehicles, schema=VEHICLES, orient="row").write_parquet(folder / "vehicles.parquet")
    pl.DataFrame(tables.arrivals, schema=ARRIVALS, orient="row").write_parquet(folder / "arrivals.parquet")
    fences = {"type": "FeatureCollection", "features": tables.fences}
    (folder / "fences.geojson").write_text(json.dumps(fences, indent=1) + "\n", encoding="utf-8")


def write_description(folder: Path, seed: int, day: date, settings: list[Setting]) -> None:
    """Writes `day.toml`: seed, versions, local date, and each fleet with its time zone and depot."""
    lines = [f"seed = {seed}", f'parameters_version = "{FROZEN.version}"', f'made_by = "{MAKER}"', f"date = {day}"]
    for setting in settings:
        depot = depot_door(setting.city, setting.fleet_id, FROZEN.plan)
        lat, lon = setting.city.degrees(np.array([depot.x]), np.array([depot.y]))
        lines += ["", "[[fleets]]", f'fleet_id = "{setting.fleet_id}"', f'time_zone = "{setting.city.time_zone}"']
        lines += [f"depot_lat = {lat[0]}", f"depot_lon = {lon[0]}"]
    (folder / "day.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
