"""The OpenAPI page: FastAPI's, with the schemas of the documents as msgspec encodes them and of the problems."""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import cell_documents, documents, exception_documents, fence_policy_documents, model_documents, proposal_documents, read_health
from api.problems import MEDIA_TYPE, ProblemDocument, documented

_MODULES = (documents, exception_documents, fence_policy_documents, model_documents, proposal_documents, cell_documents, read_health)
_REF = "#/components/schemas/{name}"


def describe(app: FastAPI) -> None:
    """Let the application answer `/openapi.json` with `page`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = page(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def page(app: FastAPI) -> dict[str, Any]:
    """The page, complete: every reference in it leads somewhere."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    kinds = [kind for module in _MODULES for kind in vars(module).values() if _is_document(kind, module.__name__)]
    _, own = msgspec.json.schema_components(kinds, ref_template=_REF)
    problem = ProblemDocument.model_json_schema(ref_template=_REF.format(name="{model}"))
    schemas |= own | problem.pop("$defs") | {"ProblemDocument": problem}
    for operations in made["paths"].values():
        for operation in operations.values():
            _tell_of_problems(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return made


def _is_document(kind: object, module: str) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module


def _tell_of_problems(operation: dict[str, Any]) -> None:
    """FastAPI promises its own shape of 422; ours is a problem."""
    refused = operation["responses"].get("422")
    if refused is not None and MEDIA_TYPE not in refused["content"]:
        operation["responses"]["422"] = documented(422)[422]
