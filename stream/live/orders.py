"""What one call of the write script is told."""

from collections.abc import Iterable, Sequence
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
_REPLACED = [place(kind) for kind in ("fixes", "vehicles", "routes", "etas", "visits", "orders", "fences")]


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
    head: dict[str, object]
    values: list[str | bytes]
    size: int
    """Bytes, about."""

    def args(self, writes: int) -> list[str | bytes]:
        """ARGV of the call."""
        return [msgspec.json.encode({**self.head, "writes": writes}), *self.values]


def order_of(applied: Applied, again: Sequence[Numbered], changes: Changes, settings: LiveSettings, by: str) -> Order:
    """What to write of a stretch. `again` are earlier events that Redis may have lost."""
    puts = {place(kind): flat for kind, flat in changes.puts.items() if flat}
    removals = {place(kind): names for kind, names in changes.removals.items() if names}
    events = [_event(event) for event in (*again, *applied.events)]
    dead = [_dead(refusal) for refusal in applied.refusals]
    cells = [] if changes.cells is None else [changes.cells]
    head: dict[str, object] = {
        "fleet": applied.fleet_id,
        "by": by,
        "position": position_text(applied.position),
        "now_us": str(applied.now_us),
        "replace": changes.replace,
        "replaced": _REPLACED,
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
    return Order(applied.fleet_id, str(head["position"]), head, values, sum(map(len, values)) + 600)


def _dead(refusal: Refusal) -> tuple[str | bytes, ...]:
    moment = str(refusal.received_us)
    return position_text(refusal.position), refusal.reason, refusal.kind, refusal.vehicle_id, moment, refusal.head


def _event(event: Numbered) -> tuple[str | bytes, ...]:
    about = event.kind.startswith("exception_")
    exception_id = _decoder.decode(event.payload).data.exception_id if about else ""
    phase = event.kind.removeprefix("exception_")
    return str(event.sequence), event.kind, event.payload, exception_id, phase, str(event.now_us)
