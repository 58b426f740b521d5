"""The socket that the API listens on, opened by ourselves: so port 0 works, its address can be told, and stalled clients are let go."""

import socket

UNREAD_MS = 30_000
"""The kernel drops a connection whose other side has read nothing for so long: closing it politely would wait for ever."""


class CannotListen(Exception):
    """An address that is taken, is not ours, or is none."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises `CannotListen`."""
    # asyncio turns Nagle's algorithm off (40 ms for every answer) only where the socket names its protocol.
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        listening.bind((host, port))
        listening.listen(2_048)
    except OSError as error:
        listening.close()
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening


def address_of(listening: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
