"""What devices send, for the OpenAPI page: the part that is read. Anything else is a dead letter and answered all the same."""

from typing import Any

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number"}
_TEXT: Schema = {"type": "string"}

_COORDS = dict.fromkeys(("latitude", "longitude", "accuracy", "speed", "heading"), _NUMBER)
_FORM: Schema = {"type": "object", "additionalProperties": True}


def _object(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _body(shape: Schema, said: str, **more: Schema) -> Schema:
    anything = {"description": "Anything else is refused, and answered all the same."}
    return {"requestBody": {"description": said, "content": {"application/json": {"schema": {"anyOf": [shape, anything]}}, **more}}}


def _parameters(**said: str) -> list[Schema]:
    return [{"name": name, "in": "query", "required": False, "schema": _TEXT, "description": text} for name, text in said.items()]


OSMAND_QUERY: Schema = {
    "parameters": _parameters(
        id="The device (also `deviceid`).",
        lat="Degrees.",
        lon="Degrees.",
        location="Both, instead: `lat,lon`.",
        timestamp="Seconds or milliseconds since 1970, or ISO 8601 with an offset; without it, now.",
        speed="Knots.",
        bearing="Degrees from north (also `heading`).",
        accuracy="Metres.",
        valid="`false` or `0`: there was no fix.",
    )
}

OSMAND: Schema = {
    **OSMAND_QUERY,
    **_body(
        _object(location=_object(timestamp=_TEXT, coords={"type": "object", "properties": _COORDS}), device_id=_TEXT),
        "JSON of Traccar Client (speed in m/s), or the fields of the query as a form.",
        **{"application/x-www-form-urlencoded": {"schema": _FORM}},
    ),
}

_POSITION: Schema = {
    "type": "object",
    "properties": {
        "fixTime": _TEXT,
        "valid": {"type": "boolean"},
        **dict.fromkeys(("latitude", "longitude", "speed", "course", "accuracy"), _NUMBER),
    },
}

FORWARD: Schema = _body(_object(position=_POSITION, device=_object(uniqueId=_TEXT)), "What Traccar forwards with `forward.type=json`.")

OWNTRACKS: Schema = _body(
    {
        "type": "object",
        "required": ["_type", "tst", "lat", "lon"],
        "properties": {
            "_type": {"const": "location"},
            "topic": _TEXT,
            "tid": _TEXT,
            **dict.fromkeys(("tst", "lat", "lon", "vel", "cog", "acc"), _NUMBER),
        },
    },
    "What the app publishes; types other than `location` are ignored.",
)
