"""What exceptions nobody will ask for any more: closed for a day, or about something that is gone; and the table never overflows."""

from collections.abc import Collection

from stream.exceptions.life import Moment, close_exception
from stream.exceptions.table import KEEP_CLOSED_US, MOST
from stream.fleet import FleetState
from stream.outputs import Outputs


def forget_exceptions(state: FleetState, moment: Moment, out: Outputs) -> None:
    """Let go of what is over; at a tick, behind the tidying up of routes and visits."""
    table = state.exceptions
    for known in table.all_open():
        if not _is_known(state, known.subject):
            close_exception(state, known, "expired", "subject_gone", moment, out)
    closed = [(one.closed_us, one.exception_id) for one in table.known.values() if one.closed]
    due = sum(moment[1] - closed_us > KEEP_CLOSED_US for closed_us, _ in closed)
    for _, exception_id in sorted(closed)[: max(due, len(table.known) - MOST)]:
        table.forget(exception_id)
    if len(table.known) > MOST:
        rest = sorted((one.opened_us, one.exception_id) for one in table.known.values())
        for _, exception_id in rest[: len(rest) - MOST]:
            close_exception(state, table.known[exception_id], "expired", "too_many", moment, out)
            table.forget(exception_id)
    subjects = {exception_id: exception_id.removeprefix(f"{state.fleet_id}:").partition(":")[2] for exception_id in table.episodes}
    gone = [exception_id for exception_id, subject in sorted(subjects.items()) if not _may_return(state, subject)]
    for exception_id in gone:
        del table.episodes[exception_id]
    table.departures.intersection_update(route.route_id for route in state.routes.values() if not route.started)


def _is_known(state: FleetState, subject: str) -> bool:
    """Whether the fleet still knows what an exception is about."""
    kind, _, name = subject.partition("/")
    tables: dict[str, Collection[str]] = {"visit": state.visit_rows, "route": state.routes, "vehicle": state.vehicle_rows}
    return name in tables[kind] if kind in tables else True


def _may_return(state: FleetState, name: str) -> bool:
    """Whether there can be another episode: then its number must be known, so that no event id is given twice."""
    tables: tuple[Collection[str], ...] = (state.visit_rows, state.dropped, state.routes, state.vehicle_rows)
    of_a_vehicle = {name.partition(":")[0], name.rpartition(":")[0]}
    return any(name in table for table in tables) or name == state.fleet_id or any(one in state.vehicle_rows for one in of_a_vehicle)
