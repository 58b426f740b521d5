"""The Redis log of a live system as a player sees it: may it play here, append, and how far is the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from redis import Redis

from eta_models.columns import MISSING
from replay.day_errors import NotPlayed
from replay.encoded import EncodedEntry
from replay.play import Engine
from stream.codec import encode
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import FleetEntry, RouteView, Totals
from stream.log import shard_of
from stream.messages import RouteEnded
from stream.moments import instant
from stream.texts import is_id

_LAST = 20
"""Entries at the end of a shard's log in which its fleets are looked for: every fleet that is played ticks every ten seconds."""


@dataclass(slots=True)
class LiveLog:
    """The log, for the fleets of `zones` (id -> IANA time zone)."""

    client: "Redis"
    zones: Mapping[str, str]
    shards: int
    _taken: dict[str, int] = field(default_factory=dict)
    """Entries of each fleet that the engine had taken before."""
    _appended: dict[str, int] = field(default_factory=dict)
    _last_us: dict[str, int] = field(default_factory=dict)

    def come_to_us(self) -> int | None:
        """The latest log time of the fleets, None where they have none yet. Raises `NotPlayed` where one may not be played here."""
        known: Any = self.client.hmget(FLEETS, list(self.zones))  # the client's types name what other protocols give too
        for fleet_id, entry in zip(self.zones, known, strict=True):
            self._check(fleet_id, entry)
        standing = self._standing()
        self._taken = {fleet_id: taken for fleet_id, (_, taken) in standing.items()}
        times = [now_us for now_us, _ in standing.values() if now_us is not None]
        times += [moment for shard in {shard_of(fleet_id, self.shards) for fleet_id in self.zones} for moment in self._appended_us(shard)]
        return max(times, default=None)

    def append(self, entries: Sequence[EncodedEntry]) -> None:
        """Append entries of driven fleets, with the time they have."""
        script = self.client.register_script(SCRIPT)
        by_zone: dict[str, list[Message]] = {}
        for entry in entries:
            by_zone.setdefault(self.zones[entry.fleet_id], []).append(Message(entry.fleet_id, entry.payload, entry.received_us))
            self._appended[entry.fleet_id] = self._appended.get(entry.fleet_id, 0) + 1
            self._last_us[entry.fleet_id] = entry.received_us
        for zone, messages in by_zone.items():
            for call in calls(messages, zone, driven=True, shards=self.shards):
                script(call.keys, call.args)

    def end_open_routes(self, at_us: int) -> int:
        """End what a round that was cut short left open, at the time the log has come to; returns how many routes that were.

        Vehicles would drive them on for ever otherwise, and every stop of them would be late.
        """
        ended = list[EncodedEntry]()
        for fleet_id in self.zones:
            views: Any = self.client.hvals(fleet_key("routes", fleet_id))
            for route in (msgspec.json.decode(view, type=RouteView) for view in views):
                if route.started and route.ended_us == MISSING:
                    end = RouteEnded(fleet_id=fleet_id, at=instant(at_us), route_id=route.route_id, vehicle_id=route.vehicle_id)
                    ended.append(EncodedEntry(fleet_id, 0, at_us, "route_ended", encode(end)))
        self.append(ended)
        return len(ended)

    def engine(self) -> Engine:
        """How far the engine is: what it has not taken yet, and the longest log time that one of the fleets is behind."""
        behind, lags = 0, list[int]()
        for fleet_id, (now_us, taken) in self._standing().items():
            behind += max(self._appended.get(fleet_id, 0) + self._taken.get(fleet_id, 0) - taken, 0)
            if now_us is not None and fleet_id in self._last_us:
                lags.append(max(self._last_us[fleet_id] - now_us, 0))
        return Engine(behind, max(lags, default=None))

    def _check(self, fleet_id: str, known: bytes | None) -> None:
        if not is_id(fleet_id):
            raise NotPlayed(f"{fleet_id!r} cannot be the id of a fleet: choose a shorter or plainer --fleet-prefix")
        if known is None:
            return
        fleet = msgspec.json.decode(known, type=FleetEntry)
        other = "play the day under other fleet ids with --fleet-prefix TEXT"
        if not fleet.driven:
            raise NotPlayed(f"fleet {fleet_id} is live here, so its time is that of the clock: {other}")
        if fleet.time_zone != self.zones[fleet_id]:
            raise NotPlayed(f"fleet {fleet_id} has the time zone {fleet.time_zone} here, and {self.zones[fleet_id]} in the day: {other}")
        if fleet.shard != shard_of(fleet_id, self.shards):
            raise NotPlayed(
                f"fleet {fleet_id} is in shard {fleet.shard} here, so this log has not {self.shards} shards: set FLEETCAST_SHARDS"
            )

    def _standing(self) -> dict[str, tuple[int | None, int]]:
        """Of each fleet the engine's now, and how many entries it has taken."""
        pipeline = self.client.pipeline(transaction=False)
        for fleet_id in self.zones:
            pipeline.hmget(fleet_key("fleet", fleet_id), ["now_us", "totals"])
        told = zip(self.zones, pipeline.execute(), strict=True)
        return {
            fleet_id: (
                int(now_us) if now_us is not None and int(now_us) >= 0 else None,
                msgspec.json.decode(totals, type=Totals).received if totals else 0,
            )
            for fleet_id, (now_us, totals) in told
        }

    def _appended_us(self, shard: int) -> list[int]:
        """When the last entries of these fleets in a shard were received, whether or not an engine has taken them."""
        marks = [b'"fleet_id":"%s"' % fleet_id.encode() for fleet_id in self.zones]
        last: Any = self.client.xrevrange(log_key(shard), count=_LAST)
        entries = [entry for stream_id, fields in last for entry in unpack(stream_id, fields)]
        return [entry.received_us for entry in entries if any(mark in entry.payload for mark in marks)]
