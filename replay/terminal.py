"""The terminal that commands print to."""

from rich.console import Console

WIDTH = 100
"""Columns where there is no terminal that would know better; the scorecard is made for as many."""


def console(least: int = 0) -> Console:
    """The terminal, as if it had at least so many columns; plain text where there is none."""
    terminal = Console(highlight=False)
    if not terminal.is_terminal:
        return Console(highlight=False, width=WIDTH, color_system=None)
    return terminal if terminal.width >= least else Console(highlight=False, width=least)
