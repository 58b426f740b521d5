"""Every refusal as RFC 9457 `application/problem+json`: what is wrong in words, and a type that programs may compare."""

from collections.abc import Iterable
from http import HTTPStatus

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_problem.error import Problem
from fastapi_problem.handler import ExceptionHandler, new_exception_handler
from pydantic import BaseModel, Field
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisSilent
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"

AWAY: tuple[type[Exception], ...] = (RedisAway, RedisSilent, ReadOnlyError, OutOfMemoryError)
"""What redis-py raises when Redis cannot be reached, or can take no more: a 503, and no fault of the request."""

_TITLES = {
    400: ("bad-request", "The request cannot be understood"),
    401: ("unauthorised", "An API key is needed"),
    404: ("not-found", "There is no such thing"),
    409: ("ambiguous", "More than one thing answers to that"),
    410: ("gone", "That is not kept any more"),
    413: ("too-large", "The body is too large"),
    422: ("invalid", "A value is not allowed"),
    500: ("internal", "The API failed on this request"),
    503: ("unavailable", "The service cannot answer now"),
}
_SAID = {
    400: "The body is not what it should be.",
    401: "No API key, or one that is not known.",
    404: "There is no such thing.",
    409: "The id occurs in several fleets; `fleets` names them.",
    410: "What is asked for happened before all that is kept.",
    413: "The body is larger than it may be.",
    422: "A parameter or field is not allowed; `errors` says which.",
    503: "Redis cannot be reached, or cannot take more.",
}


class FieldError(BaseModel):
    """One value that is not allowed."""

    loc: list[str | int] = Field(description="Where it stands: path, query, header or body, then the names.")
    msg: str
    type: str


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="What kind of problem; compare this, not the title.")
    title: str
    status: int
    detail: str | None = None
    fleets: list[str] | None = Field(None, description="409: the fleets in which the id occurs.")
    errors: list[FieldError] | None = Field(None, description="422: what is not allowed.")


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: object) -> Problem:
    """A problem to raise; `more` are further members of the document."""
    phrase = HTTPStatus(status).phrase
    type_, title = _TITLES.get(status, (phrase.lower().replace(" ", "-"), phrase))
    return Problem(title, type_, detail, status, headers, **more)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The `responses` of a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": _SAID[status], "content": content} for status in statuses}


def invalid(errors: Iterable[FieldError]) -> Problem:
    """A 422 that names every value that is not allowed, without repeating it: values may be positions or keys."""
    found = [error.model_dump() for error in errors]
    return problem(422, "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in found), errors=found)


def respond(error: Problem) -> Response:
    """The response that a problem is, for those who stand outside the routes."""
    return JSONResponse(error.marshal(), error.status, error.headers, MEDIA_TYPE)


def add_problems(app: FastAPI) -> None:
    """Let every error that a route or the router raises leave as a problem."""
    handler = new_exception_handler(
        handlers=dict.fromkeys(AWAY, _away), http_exception_handler=_refused, request_validation_handler=_invalid
    )
    for error in (Problem, HTTPException, RequestValidationError, *AWAY):
        app.add_exception_handler(error, handler)
    app.add_exception_handler(Exception, _failed)


def _invalid(_: ExceptionHandler, __: Request, error: RequestValidationError) -> Problem:
    return invalid(FieldError(loc=list(one["loc"]), msg=one["msg"], type=one["type"]) for one in error.errors())


def _refused(_: ExceptionHandler, __: Request, error: HTTPException) -> Problem:
    return problem(error.status_code, error.detail, dict(error.headers or {}))


def _away(_: ExceptionHandler, __: Request, error: Exception) -> Problem:
    structlog.get_logger("api").warning("redis_unavailable", error=type(error).__name__)
    return problem(503, "Redis cannot be reached, or cannot take more; try again.", {"Retry-After": "1"})


async def _failed(_: Request, __: Exception) -> Response:
    return respond(problem(500, "The request was understood, and the API failed on it. The log of the API says why."))
