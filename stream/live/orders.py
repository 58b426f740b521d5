"""What one call of the write script is told."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from stream.apply import Applied
from stream.batches import Refusal
from stream.live.apiece import say_not_shown
from stream.live.changes import Changes
from stream.live.settings import LiveSettings
from stream.live.views import STAY, STAYS_KEPT
from stream.live.write_script import place
from stream.moments import micros
from stream.outputs import Numbered
from stream.reasons import Reason

FORGET_CLOSED_US = 86_400_000_000
"""A resolved exception can be looked up for a day of log time."""

_PLACES = {f"{kind}_key": place(kind) for kind in ("orders", "cells", "acknowledged", "exceptions", "open", "closed", "stays")}
AT_ONCE = 400_000
"""Bytes of one call, about: a few milliseconds for Redis. Over a megabyte hiredis too packs a hundred times as slowly, byte for byte."""

Values = tuple[str | bytes, ...]
Item = TypeVar("Item")
Told = TypeVar("Told")


class _About(Struct, frozen=True):
    """What the present needs of an event about an exception."""

    exception_id: str


class _Left(Struct, frozen=True):
    """What the past needs of an event about a fence that was left."""

    vehicle_id: str
    fence_id: str
    entered_at: datetime | None = None
    occurred_at: datetime | None = None


class _Envelope(Struct, Generic[Told], frozen=True):
    data: Told


_about, _left = msgspec.json.Decoder(_Envelope[_About]), msgspec.json.Decoder(_Envelope[_Left])


def position_text(position: int) -> str:
    """A position in a form that sorts as text: Lua's numbers are too coarse for it."""
    return f"{position + 1:019d}"


@dataclass(frozen=True, slots=True)
class Order:
    """A call without its number (`writes`), which the writer knows: head and values as the script takes them."""

    fleet_id: str
    position: str
    """How far the fleet is written when the call is done; empty while there is more to come."""
    head: dict[str, object]
    values: list[str | bytes]
    size: int
    """Bytes, about."""

    def args(self, writes: int) -> list[str | bytes]:
        """ARGV of the call."""
        return [msgspec.json.encode({**self.head, "writes": writes}), *self.values]


def orders_of(applied: Applied, again: Sequence[Numbered], changes: Changes, settings: LiveSettings, by: str) -> list[Order]:
    """What to write of a stretch, in calls that are short enough for Redis to serve others in between; nearly always it is one.

    First the present, then the place that it stands for, then the events: who hears of something can look it up. `again` are earlier
    events that Redis may have lost.
    """
    events = [_told(event) for event in (*again, *applied.events)]
    lists: list[Sequence[str | bytes]] = [*changes.puts.values(), *changes.removals.values(), changes.orders, changes.old_orders]
    # A Redis that hears a fleet from its first event on has all of its stays.
    first = next((event.sequence for event in (*again, *applied.events)), 0)
    order = partial(_order, applied, settings=settings, by=by, stays_from=str(applied.now_us) if first else "0")
    if sum(map(_bytes, [*lists, *events])) <= AT_ONCE:
        return [order(changes, events, last=True)]
    return [
        *(order(part, [], last=False) for part in _parts(changes)),
        order(Changes(totals=changes.totals, cells=changes.cells), [], last=True),
        *(order(Changes(), some, last=False) for some in _slices(events, _bytes)),
    ]


def _parts(changes: Changes) -> Iterator[Changes]:
    """The same in parts that are short enough: what is new before what goes, so that nothing is missing in between."""
    for kind, flat in changes.puts.items():
        pairs = zip(flat[::2], flat[1::2], strict=True)
        yield from (Changes(puts={kind: [value for pair in some for value in pair]}) for some in _slices(pairs, _bytes))
    yield from (Changes(orders=some) for some in _slices(changes.orders, len))
    for kind, names in changes.removals.items():
        yield from (Changes(removals={kind: some}) for some in _slices(names, len))
    yield from (Changes(old_orders=some) for some in _slices(changes.old_orders, len))


def _bytes(values: Iterable[str | bytes]) -> int:
    return sum(map(len, values))


def _slices(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Items in order, in lists of up to `AT_ONCE` bytes."""
    some, full = list[Item](), 0
    for item in items:
        full += size(item) + 16
        if some and full > AT_ONCE:
            yield some
            some, full = [], size(item) + 16
        some.append(item)
    if some:
        yield some


def _order(
    applied: Applied, changes: Changes, events: Sequence[Values], *, settings: LiveSettings, by: str, stays_from: str, last: bool
) -> Order:
    """One call. The last one that changes the present carries the dead letters and moves the fleet's place on."""
    puts = {place(kind): flat for kind, flat in changes.puts.items() if flat}
    removals = {place(kind): names for kind, names in changes.removals.items() if names}
    # Who is too slow already does not write a dead letter for each of the pings that it passes over.
    dead = [_dead(refusal) for refusal in applied.refusals if refusal.reason != Reason.THINNED] if last else []
    cells = [] if changes.cells is None else [changes.cells]
    head: dict[str, object] = {
        "fleet": applied.fleet_id,
        "by": by,
        "position": position_text(applied.position),
        "now_us": str(applied.now_us),
        "stays_from": stays_from,
        "last": last,
        "puts": [(kind, len(flat)) for kind, flat in puts.items()],
        "removals": [(kind, len(names)) for kind, names in removals.items()],
        "old_orders": len(changes.old_orders),
        "orders": len(changes.orders),
        "cells": len(cells),
        "dead": len(dead),
        "events": len(events),
        "forget_us": str(applied.now_us - FORGET_CLOSED_US),
        "events_kept": settings.events_kept,
        "dead_kept": settings.dead_letters_kept,
        "stays_bytes": STAYS_KEPT * STAY.itemsize,
        **_PLACES,
    }
    parts: list[Iterable[str | bytes]] = [*puts.values(), *removals.values(), changes.old_orders, changes.orders, cells, *dead]
    values = [value for part in (*parts, [changes.totals], *events) for value in part]
    return Order(applied.fleet_id, str(head["position"]) if last else "", head, values, sum(map(len, values)) + 600)


def _dead(refusal: Refusal) -> Values:
    moment = str(refusal.received_us)
    return position_text(refusal.position), refusal.reason, refusal.kind, refusal.vehicle_id, moment, refusal.head


def _told(event: Numbered) -> Values:
    """An event that cannot be read is told all the same, but changes no list of exceptions or stays."""
    try:
        return _event(event)
    except Exception as error:  # noqa: BLE001 (who waits for events hears of it in any case)
        say_not_shown("events", f"{event.kind} {event.sequence}", error)
        return str(event.sequence), event.kind, event.payload, "", "", str(event.now_us), "", b""


def _event(event: Numbered) -> Values:
    about, left = event.kind.startswith("exception_"), event.kind == "geofence_exited"
    exception_id, phase = (_about.decode(event.payload).data.exception_id if about else ""), event.kind.removeprefix("exception_")
    stay = _stay(_left.decode(event.payload).data, event.now_us) if left else ("", b"")
    return str(event.sequence), event.kind, event.payload, exception_id, phase, str(event.now_us), *stay


def _stay(told: _Left, now_us: int) -> tuple[str, bytes]:
    """The vehicle, and the packed row of the fence that it left."""
    row = np.array([(micros(told.entered_at), micros(told.occurred_at), now_us, told.fence_id.encode())], dtype=STAY)
    return told.vehicle_id, row.tobytes()
