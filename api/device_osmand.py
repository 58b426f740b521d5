"""The OsmAnd protocol: a query (OsmAnd, Traccar Client before 9 and many trackers) or JSON (Traccar Client from 9 on).

Source: traccar.org/osmand and `OsmAndProtocolDecoder.java` of traccar/traccar. Speed is in knots in a query, in m/s in JSON.
"""

from urllib.parse import parse_qsl

from api.device_pings import KNOTS, Fields, device_name, known, moment, no_fix, number, object_in, part_of, ping_line, positive, speed_mps
from api.ingest_bodies import MOST_ITEMS
from api.ingest_verdicts import Item
from stream.codec import HEAD_BYTES, Rejected
from stream.moments import instant
from stream.reasons import Reason

MOST_FIELDS = 100
"""Fields of a query: ten times what any device sends."""

_FALSE = ("false", "0")


def read_query(fleet_id: str, query: str, form: bytes, received_us: int) -> list[Item]:
    """The ping of a query, of a form, or of both. Without a time it is of now; cells and Wi-Fi alone are no position."""
    sent = "&".join(part for part in (query, form.decode(errors="replace")) if part)
    try:
        said: Fields = dict(parse_qsl(sent, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        return [Rejected(Reason.TOO_LARGE, str(error), sent.encode()[:HEAD_BYTES], "ping", fleet_id)]
    if str(said.get("valid", "")).lower() in _FALSE:
        return [no_fix(fleet_id, sent.encode())]
    lat, comma, lon = str(said.get("location", "")).partition(",")
    fields: Fields = {
        "at": moment(said["timestamp"]) if "timestamp" in said else instant(received_us),
        "vehicle_id": said.get("id", said.get("deviceid")),
        "lat": number(lat if comma else said.get("lat")),
        "lon": number(lon if comma else said.get("lon")),
        "speed_mps": speed_mps(said.get("speed"), KNOTS),
        "heading_deg": known(said.get("bearing", said.get("heading"))),
        "accuracy_m": positive(said.get("accuracy")),
    }
    return [ping_line(fleet_id, fields, sent.encode())]


def read_json(fleet_id: str, body: bytes) -> list[Item]:
    """The ping of a JSON body, or the pings of one whose `location` is a list."""
    said = object_in(fleet_id, body)
    if not isinstance(said, dict):
        return [said]
    found = said.get("location")
    locations = found if isinstance(found, list) else [found]
    if len(locations) > MOST_ITEMS:
        return [Rejected(Reason.TOO_LARGE, f"{len(locations)} locations", body[:HEAD_BYTES], "ping", fleet_id)]
    name = device_name(said.get("device_id"))
    return [_ping(fleet_id, name, location if isinstance(location, dict) else {}, body) for location in locations]


def _ping(fleet_id: str, name: object, location: Fields, body: bytes) -> Item:
    place = part_of(location, "coords")
    fields: Fields = {
        "at": moment(location.get("timestamp")),
        "vehicle_id": name,
        "lat": place.get("latitude"),
        "lon": place.get("longitude"),
        "speed_mps": known(place.get("speed")),
        "heading_deg": known(place.get("heading")),
        "accuracy_m": positive(place.get("accuracy")),
    }
    return ping_line(fleet_id, fields, body)
