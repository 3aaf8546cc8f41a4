"""What the command line says on standard error: failures, progress, the summary."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlane.cli.progress import Line, sized, timed

if TYPE_CHECKING:
    from interlane.cli.worker import Answer, Failure


@dataclass(slots=True)
class Tally:
    """Counts of what was done."""

    items: int = 0
    nbytes: int = 0
    failures: int = 0

    def add(self, answer: Answer) -> None:
        """Counts an answer in."""
        self.items += answer[1]
        self.nbytes += answer[2]
        self.failures += len(answer[4])


class Report:
    """Speaks to the user. `total` is how many items there will be (0: not known), `nbytes` how many bytes."""

    def __init__(self, by: str, total: int, nbytes: int, *, quiet: bool) -> None:
        self._noun = by
        self._quiet = quiet
        self._total = total
        self._nbytes = nbytes
        self._line = Line(sys.stderr, enabled=not quiet)
        self._red, self._plain = ("\x1b[31m", "\x1b[0m") if _in_colour() else ("", "")
        self.started = time.monotonic()

    def progress(self, tally: Tally) -> None:
        """Shows how far it is, at most ten times a second."""
        if self._line.due():
            count = f"{tally.items}/{self._total}" if self._total else f"{tally.items}"
            self._line.show(
                f"{count} {self._noun}s", tally.nbytes, self._nbytes, time.monotonic() - self.started
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
        place = f"{path}:{line}" if line else path
        text = f"{self._red}interlane: {place}: {what}{self._plain}\n"
        text += "".join(f"    {row}\n" for row in trace.splitlines())
        self.say(text)

    def error(self, text: str) -> None:
        """Says what is wrong with the whole run."""
        head, _, rest = text.partition("\n")
        text = f"{self._red}interlane: {head}{self._plain}\n"
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
        self.say(
            f"interlane: {note}{count}, {sized(tally.nbytes)}, {tally.failures} failed in {timed(seconds)}"
            f" ({tally.items / seconds:.0f} {self._noun}s/s, {sized(tally.nbytes / seconds)}/s; {how})\n"
        )

    def say(self, text: str) -> None:
        """Writes to standard error, which may have been closed."""
        self._line.clear()
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            return


def _in_colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
