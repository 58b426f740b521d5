"""Tables and figures as the scorecard prints them."""

from rich.table import Table

NOTHING = "-"


def draw_visits(title: str, pairs: list[tuple[str, str]]) -> Table:
    """Name and figure, two pairs a row."""
    table = start_table(title, ["", "", "", ""])
    table.show_header = False
    table.columns[2].justify = "left"
    padded = [*pairs, ("", "")] if len(pairs) % 2 else pairs
    for left, right in zip(padded[::2], padded[1::2], strict=True):
        table.add_row(*left, *right)
    return table


def start_table(title: str, columns: list[str]) -> Table:
    """A compact table: names to the left, figures to the right."""
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), min_width=60)
    for at, name in enumerate(columns):
        table.add_column(name, justify="left" if at == 0 else "right", no_wrap=True)
    return table


def number(value: float | None, form: str = ",.1f") -> str:
    """A figure, or a dash where there is none."""
    return NOTHING if value is None else format(value, form)


def share(value: float | None) -> str:
    """A share in per cent, or a dash where there is none."""
    return NOTHING if value is None else f"{100 * value:.1f} %"
