"""OwnTracks in HTTP mode. Source: owntracks.org/booklet, tech/http and tech/json. Speed is in km/h; what is zero is left out."""

from api.device_pings import KMH, Fields, known, moment, object_in, ping_line, positive, speed_mps
from api.ingest_verdicts import Item
from stream.codec import HEAD_BYTES, Rejected
from stream.reasons import Reason


def read_publish(fleet_id: str, body: bytes, user: str | None, device: str | None) -> list[Item]:
    """The ping of a location; nothing of any other type, except that what is encrypted is refused, for it may be one.

    The vehicle is `user-device`, or the one of the two that is given; without them the end of the topic, else the tracker id.
    """
    said = object_in(fleet_id, body)
    if not isinstance(said, dict):
        return [said]
    if said.get("_type") == "encrypted":
        return [Rejected(Reason.UNKNOWN_TYPE, "encrypted: switch payload encryption off, and use https", body[:HEAD_BYTES], "", fleet_id)]
    if said.get("_type") != "location":
        return []
    fields: Fields = {
        "at": moment(said.get("tst")),
        "vehicle_id": _vehicle_id(said, user, device),
        "lat": said.get("lat"),
        "lon": said.get("lon"),
        "speed_mps": speed_mps(said.get("vel"), KMH),
        "heading_deg": known(said.get("cog")),
        "accuracy_m": positive(said.get("acc")),
    }
    return [ping_line(fleet_id, fields, body)]


def _vehicle_id(said: Fields, user: str | None, device: str | None) -> object:
    if user or device:
        return "-".join(part for part in (user, device) if part)
    topic = said.get("topic")
    if isinstance(topic, str) and topic:
        return "-".join(topic.split("/")[-2:])
    return said.get("tid")
