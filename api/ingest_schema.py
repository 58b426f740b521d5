"""How bodies that msgspec reads are described in OpenAPI: complete in themselves, and honest about what is refused item by item."""

from typing import Any

import msgspec

from api.ingest_bodies import MOST_ITEMS
from api.problems import documented

Schema = dict[str, Any]

_ELSE = {"description": "Whatever else comes is refused by itself, with its reason; the answer is 202 all the same."}


class RefusedItem(msgspec.Struct, frozen=True):
    """An item that was not taken: its place (from 0), the reason code, what that means, what to do, and what was found here."""

    index: int
    reason: str
    meaning: str
    remedy: str
    detail: str


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many items are in the log, and which are in the dead letters.

    `ignored` says why something was neither, `repaired` what was changed of a fence that was drawn.
    """

    accepted: int
    refused: list[RefusedItem]
    ignored: str | None = None
    repaired: tuple[str, ...] = ()


def schema_of(kind: Any, left_out: tuple[str, ...] = ()) -> Schema:
    """The JSON schema of a type without references; the fields `left_out` need not be sent."""
    schema = msgspec.json.schema(kind, schema_hook=_anything)
    parts = schema.pop("$defs", {})
    found: Schema = _inlined(schema, parts)
    for variant in found.get("anyOf", [found]):
        variant["required"] = [name for name in variant.get("required", []) if name not in left_out]
        if not variant["required"]:
            del variant["required"]
    return found


def items_body(kind: Any, left_out: tuple[str, ...], said: str) -> Schema:
    """The `openapi_extra` of a route that takes one object, an array or NDJSON of these."""
    item = {"type": "object", "description": "One item, as in the array."}
    many = {"type": "array", "items": {"anyOf": [schema_of(kind, left_out), _ELSE]}, "maxItems": MOST_ITEMS}
    lines = {"type": "string", "description": "One item a line."}
    return _body({"application/json": {"schema": {"anyOf": [many, item]}}, "application/x-ndjson": {"schema": lines}}, said)


def json_body(schema: Schema, said: str) -> Schema:
    """The `openapi_extra` of a route that takes JSON of this schema."""
    return _body({"application/json": {"schema": schema}}, said)


def policy_body(page: str) -> Schema:
    """The body that changes fields of a policy; `page` lists them."""
    said = f"Fields of the policy as {page} lists them; those left out go back to the fleet's settings."
    fields = {"type": "object", "additionalProperties": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}, "description": said}
    return json_body(
        {"type": "object", "required": ["fields"], "properties": {"fields": fields}, "additionalProperties": False}, "Fields of the policy."
    )


def receipts(*problems: int, status: int = 202, said: str = "Taken, item by item.") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with a `Receipt`."""
    return {status: {"description": said, "content": {"application/json": {"schema": schema_of(Receipt)}}}, **documented(*problems)}


def _anything(kind: type) -> Schema:
    """The schema of `object`, for which msgspec has none."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError(kind)


def _body(content: Schema, said: str) -> Schema:
    return {"requestBody": {"required": True, "description": said, "content": content}}


def _inlined(schema: Any, parts: Schema) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, parts) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    return {key: _inlined(value, parts) for key, value in schema.items() if key != "discriminator"}
