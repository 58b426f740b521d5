"""The outermost layer: one log line a request, and a problem also where FastAPI and Starlette would send plain text."""

import time
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import MEDIA_TYPE, problem, respond

_DETAILS = {
    413: "The body is larger than 10 MB: send it in parts.",
    500: "The request was understood, and the API failed on it. The log of the API says why.",
}


class Edge:
    """Wraps the whole application. Logs method, route template, status, milliseconds: no path and no query, which may tell secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger("api")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_s, exchange = time.perf_counter(), _Exchange(scope, receive, send)
        try:
            await self.app(scope, receive, exchange.send)
        except Exception as error:  # noqa: BLE001  # the last place where anything can be told about it
            await exchange.failed(error)
        finally:
            ms = round((time.perf_counter() - began_s) * 1e3, 1)
            route = getattr(scope.get("route"), "path", "-")
            self.log.info("request", method=scope["method"], route=route, status=exchange.status, ms=ms)


class _Exchange:
    """What was answered so far to one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._replaced = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, unless it is an error without a problem."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kind = dict(message["headers"]).get(b"content-type", b"").decode()
            if self.status in _DETAILS and not kind.startswith(MEDIA_TYPE):
                self._replaced = True
                await respond(problem(self.status, _DETAILS[self.status]))(self._scope, self._receive, self._send)
        if not self._replaced:
            await self._send(message)

    async def failed(self, error: Exception) -> None:
        """Log what nobody caught; and tell it if nothing was told yet."""
        log = structlog.get_logger("api")
        if isinstance(error, TimeoutError) and self.status == HTTPStatus.OK:
            log.info("listener_dropped", reason="it had not read for too long")
            return
        log.error("request_failed", error=type(error).__name__, exc_info=error)
        if self.status == 0:
            self.status = 500
            await respond(problem(500, _DETAILS[500]))(self._scope, self._receive, self._send)
