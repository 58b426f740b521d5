"""What becomes of a message when the positions of a vehicle, or all about an order, are to be forgotten. Pure; bytes in, bytes out."""

from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from stream import messages as m
from stream.codec import Rejected, decode, encode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposal_messages import ProposalsMade
from stream.proposals import Proposal

ROUGH_DEG = 1
"""Decimals of degrees to which the place of a forgotten order is rounded: 11 km, so that its route is still one."""

NOTHING = b""


class Wish(Protocol):
    """What is to be forgotten, of one fleet."""

    fleet_id: str

    @property
    def marks(self) -> list[bytes]:
        """One of these stands in every message that may have to change."""
        ...

    def line(self, payload: bytes, received_us: int) -> bytes | None:
        """What a message becomes; None where it may stay. One that could not be read or was refused becomes nothing at all."""
        ...


def mark(text: str) -> bytes:
    """A text as it stands in JSON."""
    return b'"%s"' % text.encode()


def is_refused(message: m.AnyMessage | Rejected, received_us: int) -> bool:
    """Whether codec or judge refuse it."""
    return isinstance(message, Rejected) or judge(JudgePolicy(), message, received_us) is not None


@dataclass(slots=True)
class Vehicle:
    """Where a vehicle was. Its pings become ticks, so that the log keeps its times and numbers; proofs of delivery lose their place."""

    fleet_id: str
    vehicle_id: str

    @property
    def marks(self) -> list[bytes]:
        """The vehicle's id."""
        return [mark(self.vehicle_id)]

    def line(self, payload: bytes, received_us: int) -> bytes | None:
        """See `Wish`."""
        message = decode(payload)
        if isinstance(message, Rejected) or (self._is_mine(message) and isinstance(message, m.Ping) and is_refused(message, received_us)):
            return NOTHING
        if not self._is_mine(message):
            return None
        if isinstance(message, m.Ping):
            return encode(m.Tick(fleet_id=self.fleet_id, at=instant(received_us)))
        if isinstance(message, m.StopCompleted) and message.proof is not None and message.proof.lat is not None:
            proof = msgspec.structs.replace(message.proof, lat=None, lon=None)
            return encode(msgspec.structs.replace(message, proof=proof))
        return None

    def _is_mine(self, message: m.AnyMessage) -> bool:
        return message.fleet_id == self.fleet_id and getattr(message, "vehicle_id", None) == self.vehicle_id


@dataclass(slots=True)
class Order:
    """All that tells of an order: its place becomes rough; references, metadata, proof and reasons in words are left out.

    `visits` are its visits, as (route, visit id, stop), which `look` finds in the plans.
    """

    fleet_id: str
    order_ref: str
    visits: set[tuple[str, str | None, str]] = field(default_factory=set)

    @property
    def marks(self) -> list[bytes]:
        """The order, and what its visits and stops are called."""
        names = {name for _, visit, stop in self.visits for name in (visit, stop) if name is not None}
        return [mark(self.order_ref), *map(mark, sorted(names))]

    def look(self, payload: bytes) -> None:
        """Note the visits of the order in a message."""
        message = decode(payload)
        if isinstance(message, m.RoutePublished | m.StopAdded) and message.fleet_id == self.fleet_id:
            for place, stop in enumerate(message.stops if isinstance(message, m.RoutePublished) else [message.stop]):
                if stop.order_ref == self.order_ref:
                    called = f"{message.route_id}.{place}" if isinstance(message, m.RoutePublished) else None
                    self.visits.add((message.route_id, stop.visit_id or called, stop.stop_id))

    def line(self, payload: bytes, received_us: int) -> bytes | None:
        """See `Wish`."""
        message = decode(payload)
        if is_refused(message, received_us):
            return NOTHING if mark(self.order_ref) in payload else None
        if isinstance(message, Rejected) or message.fleet_id != self.fleet_id:
            return None
        changed = message
        if isinstance(message, m.RoutePublished):
            changed = msgspec.structs.replace(message, stops=[self._stop(stop) for stop in message.stops])
        elif isinstance(message, m.StopAdded):
            changed = msgspec.structs.replace(message, stop=self._stop(message.stop))
        elif isinstance(message, ProposalsMade):
            changed = msgspec.structs.replace(message, proposals=[self._proposal(proposal) for proposal in message.proposals])
        elif isinstance(message, m.VisitFact) and self._is_mine(message):
            blank = {name: None for name in ("proof", "reason") if name in message.__struct_fields__}
            changed = msgspec.structs.replace(message, **blank)
        return None if changed == message else encode(changed)

    def _stop(self, stop: PlannedStop) -> PlannedStop:
        if stop.order_ref != self.order_ref:
            return stop
        lat, lon = rough(stop.lat, stop.lon)
        return msgspec.structs.replace(stop, lat=lat, lon=lon, order_ref=None, customer_ref=None, metadata={})

    def _proposal(self, proposal: Proposal) -> Proposal:
        changes = [msgspec.structs.replace(one, added=[self._stop(stop) for stop in one.added]) for one in proposal.changes]
        windows = [
            msgspec.structs.replace(one, order_ref=None, customer_ref=None) if one.order_ref == self.order_ref else one
            for one in proposal.windows
        ]
        return msgspec.structs.replace(proposal, changes=changes, windows=windows)

    def _is_mine(self, fact: m.VisitFact) -> bool:
        if fact.visit_id is not None:
            return any(fact.visit_id == visit for _, visit, _ in self.visits)
        return any((fact.route_id, fact.stop_id) == (route, stop) for route, _, stop in self.visits)


def rough(lat: float, lon: float) -> tuple[float, float]:
    """A place to about 11 km, which is never (0, 0): that is no place."""
    near = round(lat, ROUGH_DEG), round(lon, ROUGH_DEG)
    return near if any(near) else (0.1, 0.0)
