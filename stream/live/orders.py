"""What one call of the write script is told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from stream.apply import Applied
from stream.batches import Refusal
from stream.live.settings import LiveSettings
from stream.live.shown import Changes
from stream.live.write_script import place
from stream.outputs import Numbered

FORGET_CLOSED_US = 86_400_000_000
"""A resolved exception can be looked up for a day of log time."""

_PLACES = {f"{kind}_key": place(kind) for kind in ("orders", "cells", "acknowledged", "exceptions", "open", "closed")}
AT_ONCE = 1_000
"""Events, or fields and values, of one call: a few milliseconds for Redis."""

Values = tuple[str | bytes, ...]


class _Told(Struct, frozen=True):
    """What the present needs of an event about an exception."""

    exception_id: str = ""


class _Envelope(Struct, frozen=True):
    data: _Told


_decoder = msgspec.json.Decoder(_Envelope)


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
    events = [_event(event) for event in (*again, *applied.events)]
    if _count(changes) + len(events) <= AT_ONCE:
        return [_order(applied, changes, events, settings, by, last=True)]
    orders = [_order(applied, part, [], settings, by, last=False) for part in _parts(changes)]
    rest = Changes(totals=changes.totals, cells=changes.cells)
    orders.append(_order(applied, rest, events[:AT_ONCE], settings, by, last=True))
    behind = (events[first : first + AT_ONCE] for first in range(AT_ONCE, len(events), AT_ONCE))
    return orders + [_order(applied, Changes(), some, settings, by, last=False) for some in behind]


def _count(changes: Changes) -> int:
    hashes = sum(len(part) for hash_parts in (changes.puts, changes.removals) for part in hash_parts.values())
    return hashes + len(changes.orders) + len(changes.old_orders)


def _parts(changes: Changes) -> Iterator[Changes]:
    """The same in parts of `AT_ONCE` values: what is new before what goes, so that nothing is missing in between."""
    for kind, flat in changes.puts.items():
        for first in range(0, len(flat), 2 * AT_ONCE):
            yield Changes(puts={kind: flat[first : first + 2 * AT_ONCE]})
    for first in range(0, len(changes.orders), AT_ONCE):
        yield Changes(orders=changes.orders[first : first + AT_ONCE])
    for kind, names in changes.removals.items():
        for first in range(0, len(names), AT_ONCE):
            yield Changes(removals={kind: names[first : first + AT_ONCE]})
    for first in range(0, len(changes.old_orders), AT_ONCE):
        yield Changes(old_orders=changes.old_orders[first : first + AT_ONCE])


def _order(applied: Applied, changes: Changes, events: Sequence[Values], settings: LiveSettings, by: str, *, last: bool) -> Order:
    """One call. The last one that changes the present carries the dead letters and moves the fleet's place on."""
    puts = {place(kind): flat for kind, flat in changes.puts.items() if flat}
    removals = {place(kind): names for kind, names in changes.removals.items() if names}
    dead = [_dead(refusal) for refusal in applied.refusals] if last else []
    cells = [] if changes.cells is None else [changes.cells]
    head: dict[str, object] = {
        "fleet": applied.fleet_id,
        "by": by,
        "position": position_text(applied.position),
        "now_us": str(applied.now_us),
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
        **_PLACES,
    }
    parts: list[Iterable[str | bytes]] = [*puts.values(), *removals.values(), changes.old_orders, changes.orders, cells, *dead]
    values = [value for part in (*parts, [changes.totals], *events) for value in part]
    return Order(applied.fleet_id, str(head["position"]) if last else "", head, values, sum(map(len, values)) + 600)


def _dead(refusal: Refusal) -> Values:
    moment = str(refusal.received_us)
    return position_text(refusal.position), refusal.reason, refusal.kind, refusal.vehicle_id, moment, refusal.head


def _event(event: Numbered) -> Values:
    about = event.kind.startswith("exception_")
    exception_id = _decoder.decode(event.payload).data.exception_id if about else ""
    phase = event.kind.removeprefix("exception_")
    return str(event.sequence), event.kind, event.payload, exception_id, phase, str(event.now_us)
