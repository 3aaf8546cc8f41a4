"""What the command line says on standard error: failures, progress, the summary."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlane.cli.progress import Line, sized, timed
from interlane.cli.table import Cell, Look

if TYPE_CHECKING:
    from interlane.cli.worker import Answer, Failure


@dataclass(slots=True)
class Tally:
    """Counts of what was done; `weight` is how many bytes of files that took up, packed as they may be."""

    items: int = 0
    nbytes: int = 0
    failures: int = 0
    weight: int = 0

    def add(self, answer: Answer, weight: int = 0) -> None:
        """Counts an answer in."""
        self.weight += weight
        self.items += answer[1]
        self.nbytes += answer[2]
        self.failures += len(answer[4])


class Report:
    """Speaks to the user. `total` is how many items there will be, `nbytes` how many bytes (0: not known).

    `is_numbered` says that the numbers of failures are those of records, not lines.
    """

    def __init__(self, by: str, total: int, nbytes: int, *, is_numbered: bool, quiet: bool) -> None:
        self._is_numbered = is_numbered
        self._noun = by
        self._quiet = quiet
        self._total = total
        self._nbytes = nbytes
        self._line = Line(sys.stderr, enabled=not quiet)
        self._look = Look.of(sys.stderr)
        self.started = time.monotonic()

    def progress(self, tally: Tally) -> None:
        """Shows how far it is, at most ten times a second."""
        if self._line.due():
            count = f"{tally.items}/{self._total}" if self._total else f"{tally.items}"
            self._line.show(
                f"{count} {self._noun}s", tally.weight, self._nbytes, time.monotonic() - self.started
            )

    @property
    def idle(self) -> float | None:
        """How long to wait before `progress` wants to be called again."""
        return self._line.interval

    def make_room(self) -> None:
        """Clears the progress line: something else is going to be written to the terminal."""
        self._line.clear()

    def failure(self, path: str, failure: Failure) -> None:
        """Says what failed and where, with the remote traceback below."""
        line, what, trace = failure
        place = path
        if line:
            place += f": record {line}" if self._is_numbered else f":{line}"
        text = self._look.paint(f"interlane: {place}: {what}", "bad") + "\n"
        text += "".join(f"    {row}\n" for row in trace.splitlines())
        self.say(text)

    def error(self, text: str) -> None:
        """Says what is wrong with the whole run."""
        head, _, rest = text.partition("\n")
        text = self._look.paint(f"interlane: {head}", "bad") + "\n"
        text += "".join(f"    {row}\n" for row in rest.splitlines())
        self.say(text)

    def summary(self, tally: Tally, how: str, note: str = "") -> None:
        """Says what was done."""
        if self._quiet:
            return
        seconds = max(time.monotonic() - self.started, 1e-9)
        count = f"{tally.items} {self._noun}{'' if tally.items == 1 else 's'}"
        if note and self._total:
            count = f"{tally.items} of {self._total} {self._noun}s"
        failed = Cell(f"{tally.failures} failed", "bad" if tally.failures else "good")
        rates = f" ({tally.items / seconds:.0f} {self._noun}s/s, {sized(tally.nbytes / seconds)}/s; {how})"
        cells = [Cell(f"interlane: {note}"), Cell(count, "head"), Cell(f", {sized(tally.nbytes)}, "), failed]
        cells += [Cell(f" in {timed(seconds)}"), Cell(rates, "dim")]
        if self._look.has_rich():
            from interlane.cli import drawing

            self.say(drawing.sentence(cells) + "\n")
        else:
            self.say("".join(cell.text for cell in cells) + "\n")

    def say(self, text: str) -> None:
        """Writes to standard error, which may have been closed."""
        self._line.clear()
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            return
