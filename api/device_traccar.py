"""What a Traccar server forwards (`forward.type=json`): its positions, from any of its 200 protocols. Speed is in knots.

Source: `PositionData.java`, `EventData.java` and `Position.java` of traccar/traccar.
"""

from api.device_pings import KNOTS, Fields, device_name, known, moment, no_fix, object_in, part_of, ping_line, positive, speed_mps
from api.ingest_verdicts import Item


def read_forward(fleet_id: str, body: bytes) -> list[Item] | str:
    """The ping of a forwarded position; for a forwarded event why it is ignored."""
    said = object_in(fleet_id, body)
    if not isinstance(said, dict):
        return [said]
    if "event" in said:
        return "Events of Traccar are not used: Fleetcast finds its own from the positions."
    position = part_of(said, "position")
    if position.get("valid") is False:
        return [no_fix(fleet_id, body)]
    fields: Fields = {
        "at": moment(position.get("fixTime")),
        "vehicle_id": device_name(part_of(said, "device").get("uniqueId")),
        "lat": position.get("latitude"),
        "lon": position.get("longitude"),
        "speed_mps": speed_mps(position.get("speed"), KNOTS),
        "heading_deg": known(position.get("course")),
        "accuracy_m": positive(position.get("accuracy")),
    }
    return [ping_line(fleet_id, fields, body)]
