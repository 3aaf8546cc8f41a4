"""Shows a program again and again: on a terminal in place, elsewhere one after the other."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

from interlane.cli.table import Look
from interlane.cli.top.reaching import LateError
from interlane.cli.top.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interlane.cli.top.reaching import Reach

# The other screen of the terminal, without a cursor; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_TOP, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
# Seconds, at most, until it looks again at a program that has not answered.
_SOON = 1.0


class Show:
    """How it is shown, as the arguments say."""

    def __init__(self, interval: float, *, once: bool, as_json: bool) -> None:
        self.once = once
        self.is_live = not once and not as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._interval = interval
        self._as_json = as_json
        self._view = View()
        self._note = ""
        # Why there was no answer to the last look.
        self._late = ""

    def run(self, reach: Reach, tail: Callable[[int], list[str]] | None = None) -> int:
        """Shows it until somebody has seen enough and returns 0. Raises ReachError when it cannot go on.

        `tail` returns the last lines of the program's output, as many as asked for at most.
        """
        if self.is_live:
            # What cannot be reached at all is said on the screen that stays.
            self._try(reach)
            return self._redraw(reach, tail)
        return self._print(reach)

    def _redraw(self, reach: Reach, tail: Callable[[int], list[str]] | None) -> int:
        with _terminal() as key:
            while True:
                self._draw(tail)
                if not self._wait(key, tail):
                    return 0
                self._try(reach)

    def _print(self, reach: Reach) -> int:
        above: list[str] = []
        while True:
            if self.once:
                self._look(reach)
            else:
                self._look_until_it_answers(reach)
            if not self._as_json:
                lines = self._view.lines(Look.of(sys.stdout)._replace(width=None))
                print("\n".join([*above, *lines]), flush=True)
            if self.once:
                return 0
            above = [""]
            time.sleep(self._interval)

    def _look(self, reach: Reach) -> None:
        snapshot = reach.look()
        self._view.add(snapshot)
        if self._as_json:
            print(json.dumps(snapshot), flush=True)

    def _try(self, reach: Reach) -> None:
        self._late = ""
        try:
            self._look(reach)
        except LateError as error:
            self._late = str(error)

    def _look_until_it_answers(self, reach: Reach) -> None:
        """Looks again while the program is silent, and says so once."""
        self._try(reach)
        if self._late:
            sys.stderr.write(f"interlane: {self._late}\n")
        while self._late:
            self._try(reach)

    def _draw(self, tail: Callable[[int], list[str]] | None) -> None:
        width, height = shutil.get_terminal_size()
        output = [] if tail is None else tail(max(3, height // 4))
        look = Look.of(sys.stdout)._replace(width=width)
        below = ["", look.paint("Output", "head"), *output] if output else []
        note = self._note or (self._late and "no answer") or "q ends it, space holds it"
        lines = self._view.lines(look, height - 1 - len(below), note) or [f"{self._late} (q ends it)"]
        lines += below
        sys.stdout.write(_TOP + "".join(f"{line}{_END_OF_LINE}\n" for line in lines[: height - 1]) + _BELOW)
        sys.stdout.flush()

    def _wait(self, key: Callable[[float], str], tail: Callable[[int], list[str]] | None) -> bool:
        """Waits for the time of the next look. Returns False when somebody wants to leave."""
        end = time.monotonic() + (min(self._interval, _SOON) if self._late else self._interval)
        held = False
        while held or time.monotonic() < end:
            pressed = key(3600.0 if held else max(0.0, end - time.monotonic()))
            if pressed in ("q", "Q", "\x03"):
                return False
            if pressed == " ":
                held = not held
                self._note = "held: space goes on" if held else ""
                self._draw(tail)
        return True


@contextlib.contextmanager
def _terminal() -> Iterator[Callable[[float], str]]:
    """Takes the terminal over and gives a function that waits, so many seconds, for a key."""
    import termios
    import tty

    keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = None if keyboard is None else termios.tcgetattr(keyboard)
    selector = selectors.DefaultSelector()
    # Whoever ends this is to find the terminal as it was.
    on_term = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    def key(seconds: float) -> str:
        if keyboard is None:
            time.sleep(seconds)
            return ""
        return os.read(keyboard, 1).decode(errors="replace") if selector.select(seconds) else ""

    try:
        if keyboard is not None:
            selector.register(keyboard, selectors.EVENT_READ)
            # Keys come at once and are not shown. Ctrl-C stays a signal; Ctrl-Z would leave this screen on.
            tty.setcbreak(keyboard, termios.TCSANOW)
            settings = termios.tcgetattr(keyboard)
            settings[6][termios.VSUSP] = b"\0"
            termios.tcsetattr(keyboard, termios.TCSANOW, settings)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()
        yield key
    finally:
        signal.signal(signal.SIGTERM, on_term)
        selector.close()
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        if keyboard is not None and before is not None:
            termios.tcsetattr(keyboard, termios.TCSANOW, before)
