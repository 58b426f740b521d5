"""Logs: one JSON object a line on stderr, without positions and without secrets, whoever wrote it."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping

import structlog
from structlog.typing import EventDict, WrappedLogger

HIDDEN = "***"

SECRET_NAMES = frozenset(
    {"lat", "lon", "latitude", "longitude", "key", "api_key", "token", "password", "secret", "authorization", "cookie", "payload"}
)
"""Keys whose values are never logged: where somebody is, and what opens something."""

_NAMES = "|".join(name.replace("_", "[_-]?") for name in sorted(SECRET_NAMES, key=len, reverse=True))
_VALUE = r"""b?"[^"]*"|b?'[^']*'|(?:bearer|basic)\s+[^\s"',;]+|[^\s"'&,;)\]}]+"""
_NAMED = re.compile(rf"""((?<![A-Za-z])(?:{_NAMES})["']?\s*[=:]\s*)(?:{_VALUE})""", re.IGNORECASE)
"""The same names inside a text: `?lat=42.8&token=...` of an access log, `"lat": 42.8` of a body, `authorization: Bearer ...`."""

_IN_URL = re.compile(r"(://)[^/@\s]*@")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])")
_LONG = re.compile(r"[A-Za-z0-9_+/-]{32,}={0,2}")


def start_logging(level: str, process: str) -> None:
    """Send everything of at least this level that structlog and the standard library are told to stderr, marked with the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Marked(process),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(capture=True)


def _formatter(shared: list[structlog.typing.Processor]) -> logging.Formatter:
    """The last steps of every line, whoever wrote it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # without the values of local variables
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> MutableMapping[str, object]:
    """A processor: hides the values of `SECRET_NAMES`, wherever they stand, and whatever looks like a key."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _hidden(name: object, value: object) -> object:
    whole = str(name).lower().replace("-", "_")
    if whole in SECRET_NAMES or whole.rpartition("_")[2] in SECRET_NAMES:
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_cleaned(str(key)): _hidden(key, inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_hidden("", inner) for inner in value]
        case _:
            return _cleaned(str(value))


def _cleaned(text: str) -> str:
    text = _BEARER.sub(rf"\1 {HIDDEN}", _IN_URL.sub(rf"\1{HIDDEN}@", text))
    text = _HEX.sub(HIDDEN, _NAMED.sub(rf"\1{HIDDEN}", text))
    return _LONG.sub(lambda found: HIDDEN if _looks_drawn(found.group()) else found.group(), text)


def _looks_drawn(text: str) -> bool:
    """Whether a text of 32 or more letters was drawn at random: all three kinds of them, and no word, as paths have."""
    kinds = any(map(str.isupper, text)) and any(map(str.islower, text)) and any(map(str.isdigit, text))
    return kinds and ("/" not in text or re.search(r"[a-z]{12}|[a-z]{3,}[_-][a-z]{3,}", text) is None)


class _Marked:
    """A processor that says which process speaks."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = self._process
        return event
