"""Tables for people: aligned text; on a terminal in colours, and drawn by rich where it is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import textwrap
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CODES = {"": "", "good": "32", "bad": "31", "odd": "33", "dim": "2", "head": "1"}

# Narrower than that, the last column is not wrapped but left to the terminal.
_LEAST = 20


class Cell(NamedTuple):
    """A cell that is not plain: its style is one of good, bad, odd, dim and head."""

    text: str
    style: str = ""


class Look(NamedTuple):
    """How a stream is written to. Without a width nothing is wrapped."""

    width: int | None = None
    in_colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Look:
        """Returns what suits the stream: colours on a terminal, unless `NO_COLOR` says no."""
        if not stream.isatty():
            return cls()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return cls(shutil.get_terminal_size().columns, not plain)

    def paint(self, text: str, style: str) -> str:
        """Returns the text in the style, if there are colours."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.in_colour and style and text else text

    def has_rich(self) -> bool:
        """Tells whether rich is there to draw."""
        return self.in_colour and importlib.util.find_spec("rich") is not None


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    look: Look,
    *,
    right: Sequence[int] = (),
    dense: bool = False,
) -> list[str]:
    """Returns the lines of a table. Columns `right` are aligned to the right; the last one wraps.

    A dense one has no line that is not a row, whatever is installed.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    if look.has_rich() and not dense:
        from interlane.cli import drawing

        return drawing.table(heads, cells, look.width, right)
    titles = [Cell(head, "head") for head in heads]
    widths = [max(len(row[n].text) for row in [titles, *cells]) for n in range(len(heads))]
    before = sum(widths[:-1]) + 2 * len(widths)
    room = look.width - before if look.width is not None and look.width - before >= _LEAST else None
    lines: list[str] = []
    for row in [titles, *cells]:
        pieces = textwrap.wrap(row[-1].text, room) if room is not None else [row[-1].text]
        padded = [
            f"{cell.text:>{width}}" if n in right else f"{cell.text:<{width}}"
            for n, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
        ]
        last = pieces[0] if pieces else ""
        if len(heads) - 1 in right:
            last = f"{last:>{widths[-1]}}"
        painted = [look.paint(text, cell.style) for text, cell in zip([*padded, last], row, strict=True)]
        lines.append(("  " + "  ".join(painted)).rstrip())
        lines += [" " * before + look.paint(piece, row[-1].style) for piece in pieces[1:]]
    return lines
