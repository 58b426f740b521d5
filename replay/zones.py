"""The time zones of a day's fleets."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from replay.day_errors import BadDay


def zones_of(fleets: Mapping[str, str], time_zone: str | None) -> dict[str, str]:
    """Fleets by id with their IANA time zones, or one for all. Raises `BadDay` for a name that is no time zone."""
    zones = {fleet_id: time_zone or zone for fleet_id, zone in sorted(fleets.items())}
    for fleet_id, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise BadDay(f"fleet {fleet_id}: the time zone {zone!r} is not known here; give an IANA name such as Europe/Berlin") from error
    return zones
