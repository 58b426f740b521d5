"""Writes docs/commands.md from the commands themselves."""

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from api.__main__ import app as api
from replay.__main__ import app as replay
from stream.live.__main__ import app as stream
from stream.live.all_in_one import app as everything

PAGE = Path(__file__).with_name("commands.md")

COMMANDS = {"fleetcast": everything, "fleetcast-stream": stream, "fleetcast-api": api, "fleetcast-replay": replay}


def page() -> str:
    """All commands with their options."""
    parts = ["# Commands", "<!-- Written by docs/generate_commands.py (`make docs`). Do not edit. -->"]
    for name, app in COMMANDS.items():
        command = typer.main.get_command(app)
        text = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name=name), name=name)
        parts.append(text.replace("\n# ", "\n## ").replace("# `", "## `", 1) if text.startswith("# `") else text)
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
