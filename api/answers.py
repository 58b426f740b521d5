"""How documents leave: as JSON with an ETag, so that who asks again pays for the answer only when it is another one."""

from hashlib import blake2b
from typing import Any

import msgspec
from fastapi import Request, Response

from api.problems import documented

JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class JsonResponse(Response):
    """A document, encoded by msgspec."""

    media_type = JSON

    def render(self, content: Any) -> bytes:
        """The bytes of a document; `bytes` are taken as they are."""
        return content if isinstance(content, bytes) else _encode(content)


def answer(request: Request, document: msgspec.Struct, media_type: str = JSON) -> Response:
    """The document; or 304 when the one that asks has this very one."""
    body = _encode(document)
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return JsonResponse(body, headers=headers, media_type=media_type)


def answers(document: type[msgspec.Struct], *problems: int, media_type: str = JSON) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with this document, with 304, or with one of these problems."""
    schema = {"$ref": f"#/components/schemas/{document.__name__}"}
    return {
        200: {"description": (document.__doc__ or "").split("\n")[0], "content": {media_type: {"schema": schema}}},
        304: {"description": "What the one that asks has (If-None-Match) is still true."},
        **documented(*problems),
    }
