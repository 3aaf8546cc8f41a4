"""What rich draws, on terminals that have colours. Imported only where rich is."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlane.cli.table import Cell

_STYLES = {"": "", "good": "green", "bad": "red", "odd": "yellow", "dim": "dim", "head": "bold"}

# What rich takes for a width where nothing is to be wrapped.
_ENDLESS = 1000


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Cell]], width: int | None, right: Sequence[int]
) -> list[str]:
    """Returns the lines of a table. Columns `right` are aligned to the right; the last one wraps."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    last = len(heads) - 1
    for n, head in enumerate(heads):
        drawn.add_column(head, justify="right" if n in right else "left", no_wrap=n != last, overflow="fold")
    for row in rows:
        drawn.add_row(*(_text(cell) for cell in row))
    return [line for line in _lines(drawn, width) if line.strip()]


def sentence(cells: Sequence[Cell]) -> str:
    """Returns a line in several styles."""
    return _lines(Text.assemble(*(_text(cell) for cell in cells)), None)[0]


def progress(  # noqa: PLR0917  # in the order in which they are shown
    share: float | None, seconds: float, bar: int, what: str, left: str, width: int
) -> str:
    """Returns the one line of a progress bar. Without a share, which is from 0 to 1, it only moves."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=bar)
    texts = [Text(what)]
    if share is not None:
        texts.insert(0, Text(f"{share:4.0%}", "progress.percentage"))
    if left:
        texts.append(Text(left, "progress.remaining"))
    for _ in texts:
        grid.add_column(no_wrap=True)
    drawn = ProgressBar(total=None if share is None else 1.0, completed=share or 0.0, animation_time=seconds)
    grid.add_row(drawn, *texts)
    return _lines(grid, width)[0]


def _text(cell: Cell) -> Text:
    return Text(cell.text, _STYLES[cell.style])


def _lines(drawn: Table | Text, width: int | None) -> list[str]:
    out = StringIO()
    Console(file=out, force_terminal=True, width=width or _ENDLESS, highlight=False).print(drawn)
    return [line.rstrip() for line in out.getvalue().splitlines()]
