"""Events as they leave: CloudEvents 1.0 in structured JSON, numbered per fleet, with ids that a second run gives again."""

import msgspec

from stream.cloud_event import CloudEvent
from stream.fleet import FleetState
from stream.moments import instant
from stream.outputs import Event, Numbered, Outputs

EVENTS = {
    "geofence_entered": "A vehicle is surely in a fence; `time` is when its path crossed the edge. `passed`: it only drove through.",
    "geofence_dwelled": "It has stayed for as long as the fence's kind asks for, five minutes where nothing else is set; once a visit.",
    "geofence_exited": "It is surely outside; or `reason`: `fence_removed`, `fence_moved`, `fence_expired`, `out_of_scope`.",
    "stop_arrived": "A visit was reached: found on the path between two fixes, or told by the driver (`source`).",
    "stop_departed": "A visit was left.",
    "stop_completed": "The driver says that the work at a visit is done.",
    "stop_failed": "The driver says that the attempt failed, and why.",
    "stop_skipped": "A visit was passed by, or its route ended without it.",
    "stop_cancelled": "Dispatch took a visit back.",
    "stop_rescheduled": "A visit is made another day, in the window that it names: it leaves today's route, and its customer agrees to it.",
    "window_changed": "A visit has another time window.",
    "eta_updated": "The arrival expected at a visit moved by a minute and a tenth of the time left, or is new.",
    "exception_opened": "Something that dispatch should act on, of one of the kinds in docs/exceptions.md.",
    "exception_updated": "It is worse or better, or something new could be done about it (`change`: worse, better, proposed), or `woken`.",
    "exception_acknowledged": "A dispatcher has seen it.",
    "exception_assigned": "Somebody takes care of it.",
    "exception_snoozed": "Nobody wants to hear of its changes for a while.",
    "exception_noted": "Somebody wrote a remark.",
    "exception_resolved": "It is over (`reason`).",
    "exception_expired": "It is too old, or what it is about is gone.",
    "exception_superseded": "Another exception speaks for it (`superseded_by`).",
    "reassignment_proposed": "What could be done about an exception: what it gains, whom it makes late, how long it holds.",
    "reassignment_accepted": "A proposal was put into the plan (`by`); `at_risk_visit_ids` are those that it does not save.",
    "reassignment_settled": "A visit of an accepted proposal was reached, or will not be: what was expected beside what came.",
    "ping_rejected": "A fix was not applied, and why; mere repeats are only counted.",
    "input_gap": "Messages left the log of a shard before they were read: the first number and how many (`lost`). It names no fleet.",
    "pings_thinned": "The engine was behind with the log: so many pings (`count`) were passed over for newer ones of their vehicles.",
    "model_changed": "The fleet has a prior, a challenger, or another model that publishes (`change` says which message did it).",
    "model_reset": "A model of the fleet had become useless and went back to its last good weights.",
}
"""What can leave, in one sentence each."""


RECENT = 500
"""Events of which a fleet keeps the text: more than are given in the second that a Redis may lose."""

_ENCODER = msgspec.json.Encoder()


def number(state: FleetState, out: Outputs) -> list[Numbered]:
    """Put the events of a stretch in log order and give them their numbers and ids."""
    numbered = []
    for _, event in sorted(out.events, key=lambda item: item[0]):
        numbered.append(Numbered(event.detected_us, state.sequence, event.kind, _ENCODER.encode(_envelope(state, event))))
        state.sequence += 1
    if numbered:
        state.recent = [*state.recent, *numbered][-RECENT:]
    return numbered


def _envelope(state: FleetState, event: Event) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=f"{state.fleet_id}:{event.kind}:{event.key}",
        source=f"/fleetcast/{state.fleet_id}",
        type=f"fleetcast.{event.kind}.v1",
        subject=event.subject,
        time=instant(event.occurred_us),
        datacontenttype="application/json",
        fleetid=state.fleet_id,
        sequence=f"{state.sequence:012d}",
        data={**event.data, "occurred_at": instant(event.occurred_us), "detected_at": instant(event.detected_us)},
    )
