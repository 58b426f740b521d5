"""What a person sees of the live system: where it is, what to try next, and what happens; plain text where there is no terminal."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stream.live.settings import LiveSettings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Screen:
    """Lines for a person, above the line on which a player shows how far it is."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, color_system=None)

    def say(self, line: str, style: str = "") -> None:
        """Print a line as it is, however long; to nobody where the terminal has been closed."""
        with suppress(OSError):
            if self._console.is_terminal:
                self._console.file.write("\r\x1b[2K")
            self._console.print(Text(line, style=style), soft_wrap=True)
            self._console.file.flush()


def here(host: str) -> str:
    """The address by which this machine reaches what listens on `host`."""
    return _EVERYWHERE.get(host, host)


def address(settings: LiveSettings) -> str:
    """Where the API is, for this machine."""
    host = here(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def welcome(settings: LiveSettings, server: str) -> Iterator[tuple[str, str]]:
    """Lines and their styles: the address, the key, and commands that can be copied as they stand."""
    url, file = address(settings), settings.state_dir / "api_key"
    key = _key(file)
    header = f"-H 'X-API-Key: {key}'" if key else '-H "X-API-Key: $KEY"'
    yield f"Fleetcast is running: {url}", "bold green"
    yield f"  API key  {key or 'one that this server knows already'}" + (f"  (kept in {file})" if key else ""), ""
    yield f"  pages    {url}/docs", ""
    yield f"  Redis    {server}", ""
    yield f"  logs     {settings.state_dir / 'logs'}", ""
    yield "Try next:", "bold"
    yield f"  curl {header} '{url}/v1/vehicles?limit=3'", ""
    yield f"  curl {header} '{url}/v1/exceptions'", ""
    yield f"  curl -N {header} '{url}/v1/stream'", ""
    yield "Ctrl-C ends everything.", "dim"


def _key(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
