"""The progress line of a terminal: one line, rewritten in place.

Plain, it needs nothing of a terminal but a carriage return. Where there are colours, rich draws it if that is
installed: only the text. It has no thread and hides no cursor, so whatever ends us leaves nothing behind.
"""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from interlane.cli.table import Look

_INTERVAL = 0.1
_BAR = 20
# To the end of the line.
_ERASE = "\x1b[K"


class Line:
    """Shows nothing unless the stream is a terminal."""

    def __init__(self, stream: TextIO, *, enabled: bool = True) -> None:
        self._stream = stream
        self._enabled = enabled and stream.isatty()
        self._has_rich = self._enabled and Look.of(stream).has_rich()
        self._next = time.monotonic() + _INTERVAL
        self._shown = 0

    @property
    def interval(self) -> float | None:
        """Seconds between two updates; None when nothing is ever shown."""
        return _INTERVAL if self._enabled else None

    def due(self) -> bool:
        """Tells whether it is time for an update."""
        return self._enabled and time.monotonic() >= self._next

    def show(self, count: str, done: int, total: int, seconds: float) -> None:
        """Shows a count, and bar, rate and the time still to go by the bytes done; without `total` no bar."""
        rate = done / seconds if seconds > 0 else 0.0
        left = (total - done) / rate if rate and done < total else None
        self.put(done, total, f"{count}  {sized(done)}  {sized(rate)}/s", left)

    def put(self, done: int, total: int, what: str, left: float | None) -> None:
        """Shows a bar, unless `total` is 0, with what is said beside it and the seconds left, if known."""
        if not self._enabled:
            return
        share = min(done / total, 1.0) if total else None
        eta = "" if left is None else f"ETA {clock(left)}"
        # One column stays free: a terminal would wrap.
        width = shutil.get_terminal_size().columns - 1
        if self._has_rich:
            from interlane.cli import drawing

            self._write("\r" + drawing.progress(share, time.monotonic(), _BAR, what, eta, width) + _ERASE)
            self._shown = width
        else:
            bar = "" if share is None else f"[{'#' * int(share * _BAR):<{_BAR}}] {share:4.0%}"
            text = "  ".join(part for part in (bar, what, eta) if part)[:width]
            self._write(f"\r{text:<{self._shown}}")
            self._shown = len(text)
        self._next = time.monotonic() + _INTERVAL

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._write(f"\r{_ERASE}" if self._has_rich else f"\r{'':<{self._shown}}\r")
            self._shown = 0

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._enabled = False


def sized(nbytes: float) -> str:
    """Returns a number of bytes as people read it: `31.7 MB`."""
    if nbytes < 1000:
        return f"{nbytes:.0f} B"
    unit = "kB"
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007
        nbytes /= 1000
        if nbytes < 999.95:
            break
    return f"{nbytes:.1f} {unit}"


def timed(seconds: float) -> str:
    """Returns a duration as people read it: `0.42 s`, `12.3 s`, `1:02:03`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 120 else clock(seconds)


def clock(seconds: float) -> str:
    """Returns a duration as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
