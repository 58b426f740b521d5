"""What becomes of a message when the positions of a vehicle, or all about an order, are to be forgotten. Pure; bytes in, bytes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from msgspec.structs import replace

from stream import messages as m
from stream.codec import Rejected, decode, encode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.live.views import PlannedVisit
from stream.moments import instant
from stream.planned_stop import PlannedStop
from stream.proposal_messages import ProposalsMade
from stream.proposals import Handing, Proposal

Stop = TypeVar("Stop", PlannedStop, PlannedVisit)
"""In a message, or in the present of a route."""

Placed = TypeVar("Placed", PlannedStop, PlannedVisit, Handing)

ROUGH_DEG = 1
"""Decimals of degrees to which the place of a forgotten order is rounded: 11 km, so that its route is still one."""

NOTHING = b""

Plan = m.RoutePublished | m.StopAdded | ProposalsMade
"""Messages that hold stops of plans, and with them places where goods change vehicles."""


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


def planned(message: Plan, stop: Callable[[PlannedStop], PlannedStop], handing: Callable[[Handing], Handing]) -> Plan:
    """The message with every stop and every hand-over in it as these functions give it back."""
    if isinstance(message, m.StopAdded):
        return replace(message, stop=stop(message.stop))
    if isinstance(message, m.RoutePublished):
        return replace(message, stops=[stop(one) for one in message.stops])
    return replace(message, proposals=[_proposed(proposal, stop, handing) for proposal in message.proposals])


def _proposed(proposal: Proposal, stop: Callable[[PlannedStop], PlannedStop], handing: Callable[[Handing], Handing]) -> Proposal:
    changes = [replace(change, added=[stop(one) for one in change.added]) for change in proposal.changes]
    return replace(proposal, changes=changes, handovers=[handing(one) for one in proposal.handovers])


def is_refused(message: m.AnyMessage | Rejected, received_us: int) -> bool:
    """Whether codec or judge refuse it."""
    return isinstance(message, Rejected) or judge(JudgePolicy(), message, received_us) is not None


@dataclass(slots=True)
class Vehicle:
    """Where a vehicle was. Its pings become ticks, so that the log keeps its times and numbers; proofs of delivery lose their place.

    Where others fetched goods from it is where it stood: these places become rough.
    """

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
        if isinstance(message, Plan) and message.fleet_id == self.fleet_id:
            changed = planned(message, self.stop, self._handing)
            return None if changed == message else encode(changed)
        if not self._is_mine(message):
            return None
        if isinstance(message, m.Ping):
            return encode(m.Tick(fleet_id=self.fleet_id, at=instant(received_us)))
        if isinstance(message, m.StopCompleted) and message.proof is not None and message.proof.lat is not None:
            proof = replace(message.proof, lat=None, lon=None)
            return encode(replace(message, proof=proof))
        return None

    def gave(self, kind: str, metadata: Mapping[str, str]) -> bool:
        """Whether a visit is one at which another vehicle fetches goods from it."""
        return kind == "handover" and metadata.get("from_vehicle_id") == self.vehicle_id

    def stop(self, stop: Stop) -> Stop:
        """What it becomes: rough where goods were fetched from it."""
        return roughly(stop) if self.gave(stop.kind, stop.metadata) else stop

    def _handing(self, handing: Handing) -> Handing:
        return roughly(handing) if handing.from_vehicle_id == self.vehicle_id else handing

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
        if isinstance(message, ProposalsMade):
            changed = replace(message, proposals=[self._proposal(proposal) for proposal in message.proposals])
        elif isinstance(message, Plan):
            changed = planned(message, self.stop, lambda handing: handing)
        elif isinstance(message, m.VisitFact) and self._is_mine(message):
            blank = {name: None for name in ("proof", "reason") if name in message.__struct_fields__}
            changed = replace(message, **blank)
        return None if changed == message else encode(changed)

    def stop(self, stop: Stop) -> Stop:
        """What it becomes: rough and nameless where it is for the order."""
        return replace(roughly(stop), order_ref=None, customer_ref=None, metadata={}) if stop.order_ref == self.order_ref else stop

    def _proposal(self, proposal: Proposal) -> Proposal:
        """Also where its goods were to change vehicles is forgotten."""
        own = {visit for _, visit, _ in self.visits}
        calls = {call.visit_id for call in proposal.handovers if own & set(call.goods_visit_ids)}
        windows = [replace(one, order_ref=None, customer_ref=None) if one.order_ref == self.order_ref else one for one in proposal.windows]
        return _proposed(
            replace(proposal, windows=windows),
            lambda stop: roughly(stop) if stop.visit_id in calls else self.stop(stop),
            lambda call: roughly(call) if call.visit_id in calls else call,
        )

    def _is_mine(self, fact: m.VisitFact) -> bool:
        if fact.visit_id is not None:
            return any(fact.visit_id == visit for _, visit, _ in self.visits)
        return any((fact.route_id, fact.stop_id) == (route, stop) for route, _, stop in self.visits)


def roughly(at: Placed) -> Placed:
    """A stop or a hand-over, with its place to 11 km."""
    lat, lon = rough(at.lat, at.lon)
    return replace(at, lat=lat, lon=lon)


def rough(lat: float, lon: float) -> tuple[float, float]:
    """A place to about 11 km, which is never (0, 0): that is no place."""
    near = round(lat, ROUGH_DEG), round(lon, ROUGH_DEG)
    return near if any(near) else (0.1, 0.0)
