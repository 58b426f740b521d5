"""Writes docs/settings.md from the code: every setting, its variable, its unit and what it is for, its range and default."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stream.live.settings import LiveSettings

PAGE = Path(__file__).with_name("settings.md")

INTRO = """# Settings

<!-- Written by docs/generate_settings.py (`make docs`) from stream/live/settings.py. Do not edit. -->

Settings of the live system: of `fleetcast`, `fleetcast-stream`, `fleetcast-api` and those commands of
`fleetcast-replay` that speak to it. What a command is told goes
before the environment, and that before the file. The file is TOML: the one after `--config`, else the one that `FLEETCAST_CONFIG` names,
else `fleetcast.toml` in the working directory if there is one. `REDIS_URL` means `FLEETCAST_REDIS_URL` where that is not set. Empty
variables count as not set; tables are written as JSON in a variable. A setting that is wrong, or does not exist, is refused with a
sentence that says where it stands.
"""

EXAMPLE = """```toml
# fleetcast.toml
host = "0.0.0.0"
time_zone = "Europe/Berlin"

[fleets]
nfta = "America/New_York"
```
"""

WORDS = {"ge": "from", "gt": "over", "le": "up to", "lt": "below"}
TYPES = {
    bool: "true or false",
    str: "text",
    int: "whole number",
    float: "number",
    Path: "path",
    Path | None: "path",
    dict[str, str]: "table",
    dict[str, Path]: "table of fleets to paths",
    str | None: "text",
    list[str]: "list of texts",
}


def limits(field: FieldInfo) -> Iterator[str]:
    """The range of a setting in words."""
    for rule in field.metadata:
        for name, word in WORDS.items():
            if hasattr(rule, name):
                yield f"{word} {getattr(rule, name):,}"
        if pattern := getattr(rule, "pattern", None):
            yield str(pattern).strip("^$()").replace("|", ", ")


def shown(default: Any) -> str:
    """A default as it would be written in the file."""
    if default is None or default is PydanticUndefined:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def rows() -> Iterator[str]:
    """The table."""
    yield "| key | variable | type, range | unit and meaning | default |\n|---|---|---|---|---|"
    for name, field in LiveSettings.model_fields.items():
        kind = ", ".join([TYPES[field.annotation], *limits(field)])  # type: ignore[index]
        yield f"| `{name}` | `FLEETCAST_{name.upper()}` | {kind} | {field.description} | {shown(field.default)} |"


def page() -> str:
    """The whole text of docs/settings.md."""
    return "\n".join([INTRO, *rows(), "", EXAMPLE])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
