"""Asks an OSRM or Valhalla server how long ways take by road. It has no part in the flow: only the solver's thread waits for it.

OSRM: `GET /table/v1/{profile}/{lon,lat;..}?sources=..&destinations=..`, seconds in `durations`. Valhalla: `POST /sources_to_targets`,
seconds in `time` of each pair. Both say null where there is no way.
"""

import json
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from eta_models.columns import Floats, Ints
from stream.live.settings import LiveSettings

AT_ONCE = 50
"""Starts and ends of one request: OSRM takes 100 places, Valhalla 2,500 pairs, where nobody has raised that."""
KEPT = 200_000
"""Pairs whose times are kept, about 40 MB; all are forgotten when there are more."""
KEPT_S = 3_600.0
"""And after an hour: servers may know of traffic."""
REST_S = 60.0
"""A server that failed is left alone for a minute; the ETA models' times count meanwhile."""
MOST_BYTES = 4_000_000
"""Of an answer: 2,500 pairs in Valhalla's many words are 300 kB."""

Place = tuple[float, float]
log = structlog.get_logger()


class Unanswered(Exception):
    """The server did not say what it was asked; the message says how."""


@dataclass(slots=True)
class RoadServer:
    """One server. `source` says where times come from: the engine's name, or that they are the models' and why."""

    engine: str
    url: str
    profile: str
    timeout_s: float
    clock: Callable[[], float]
    source: str = ""
    known: dict[tuple[Place, Place], float] = field(default_factory=dict)
    since_s: float = -math.inf
    rests_until_s: float = -math.inf

    def matrix(self, lat: Floats, lon: Floats, starts: Ints, ends: Ints) -> Floats:
        """See `RoadTimes`."""
        now_s = self.clock()
        if len(self.known) > KEPT or now_s - self.since_s > KEPT_S:
            self.known, self.since_s = {}, now_s
        places = [(round(a, 5), round(b, 5)) for a, b in zip(lat.tolist(), lon.tolist(), strict=True)]
        asked, wanted = [places[i] for i in starts.tolist()], [places[i] for i in ends.tolist()]
        if now_s >= self.rests_until_s:
            self._ask(asked, wanted)
        return np.array([[self.known.get((a, b), math.nan) for b in wanted] for a in asked]).reshape(len(asked), len(wanted))

    def _ask(self, starts: Sequence[Place], ends: Sequence[Place]) -> None:
        """Ask what is not known, a block at a time."""
        try:
            for i in range(0, len(starts), AT_ONCE):
                for j in range(0, len(ends), AT_ONCE):
                    some, others = list(dict.fromkeys(starts[i : i + AT_ONCE])), list(dict.fromkeys(ends[j : j + AT_ONCE]))
                    if any((a, b) not in self.known for a in some for b in others):
                        rows = self._table(some, others)
                        self.known.update({(a, b): rows[m][n] for m, a in enumerate(some) for n, b in enumerate(others)})
            self.source = self.engine
        except Unanswered as error:
            self.source, self.rests_until_s = f"models: {self.engine} {error}"[:200], self.clock() + REST_S
            log.warning("road_times_away", engine=self.engine, why=str(error))

    def _table(self, starts: Sequence[Place], ends: Sequence[Place]) -> list[list[float]]:
        rows = self._osrm(starts, ends) if self.engine == "osrm" else self._valhalla(starts, ends)
        if [len(row) for row in rows] != [len(ends)] * len(starts):
            raise Unanswered("answered a table of another size")
        return [[_seconds(value) for value in row] for row in rows]

    def _osrm(self, starts: Sequence[Place], ends: Sequence[Place]) -> list[list[Any]]:
        places = ";".join(f"{lon:.5f},{lat:.5f}" for lat, lon in (*starts, *ends))
        first, last = range(len(starts)), range(len(starts), len(starts) + len(ends))
        query = f"sources={';'.join(map(str, first))}&destinations={';'.join(map(str, last))}&annotations=duration"
        found = self._fetch(urllib.request.Request(f"{self.url.rstrip('/')}/table/v1/{self.profile}/{places}?{query}"))
        if found.get("code") != "Ok":
            raise Unanswered(f"answered {str(found.get('code'))[:60]}")
        return _rows(found.get("durations"))

    def _valhalla(self, starts: Sequence[Place], ends: Sequence[Place]) -> list[list[Any]]:
        asked = {"costing": self.profile}
        asked |= {name: [{"lat": a, "lon": b} for a, b in part] for name, part in (("sources", starts), ("targets", ends))}  # type: ignore[misc]
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url.rstrip('/')}/sources_to_targets", json.dumps(asked).encode(), headers)
        told = self._fetch(request).get("sources_to_targets")
        if isinstance(told, dict):  # the short form
            return _rows(told.get("durations"))
        return [[one.get("time") if isinstance(one, dict) else one for one in row] for row in _rows(told)]

    def _fetch(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                found = json.loads(answer.read(MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise Unanswered(f"answered {error.code}") from error
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise Unanswered("did not answer in time" if isinstance(why, TimeoutError) else f"cannot be read: {why}"[:120]) from error
        if not isinstance(found, dict):
            raise Unanswered("answered no object")
        return found


def _rows(table: object) -> list[list[Any]]:
    if not isinstance(table, list) or not all(isinstance(row, list) for row in table):
        raise Unanswered("answered no table")
    return table


def _seconds(value: object) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value < math.inf
    return float(value) if good else math.nan  # type: ignore[arg-type]


def road_server(settings: LiveSettings, clock: Callable[[], float]) -> RoadServer | None:
    """The server of the settings; None where there is none."""
    if settings.road_times_url is None:
        return None
    profile = settings.road_times_profile or ("driving" if settings.road_times_engine == "osrm" else "auto")
    return RoadServer(settings.road_times_engine, settings.road_times_url, profile, settings.road_times_timeout_s, clock)
