"""A program that `interlane top` starts, shows, and waits for."""

from __future__ import annotations

import collections
import contextlib
import os
import select
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, BinaryIO

from interlane.cli.top import finding, reaching

if TYPE_CHECKING:
    from interlane.cli.top.live import Show

# How often to look whether the program has imported interlane.
_INTERVAL = 0.05
_INTERRUPTED = 130
_PIECE = 1 << 16
# A pipe holds no more than that.
_MOST_PIECES = (1 << 20) // _PIECE


class Program:
    """A command that runs with `INTERLANE_TOP=1`."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        # Its output comes as it is written: it is shown beside the rest.
        self._environment = {**os.environ, "INTERLANE_TOP": "1", "PYTHONUNBUFFERED": "1"}

    def watch(self, show: Show) -> int:
        """Runs it, shows it, and returns its exit code. Raises ReachError when it cannot be started."""
        try:
            if show.is_live:
                return self._watch_live(show)
            # Standard output is for what is shown.
            child = subprocess.Popen(self._command, env=self._environment, stdout=sys.stderr)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise reaching.ReachError(f"cannot start {self._command[0]!r}: {why}") from None
        return self._follow(child, show, None)

    def _watch_live(self, show: Show) -> int:
        reader, writer = os.pipe()
        try:
            child = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer
            )
        finally:
            os.close(writer)
        output = _Output(reader)
        code = self._follow(child, show, output)
        output.end()
        return code

    def _follow(self, child: subprocess.Popen[bytes], show: Show, output: _Output | None) -> int:
        try:
            pid = _wait_for_socket(child)
            if pid is not None:
                if output is not None:
                    output.hold()
                _show(child, pid, show, output)
            child.wait()
        except KeyboardInterrupt:
            # The terminal has told both. Somebody who asks twice means it.
            if output is not None:
                output.let_go()
            try:
                child.wait()
            except KeyboardInterrupt:
                child.kill()
                child.wait()
                return _INTERRUPTED
        return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _show(child: subprocess.Popen[bytes], pid: int, show: Show, output: _Output | None) -> None:
    message = ""
    try:
        show.run(reaching.reach(pid), None if output is None else output.tail)
    except reaching.ReachError as error:
        if child.poll() is None and pid == child.pid and not isinstance(error, reaching.GoneError):
            message = f"interlane: {error}\n"
    finally:
        if output is not None:
            output.let_go()
    sys.stderr.write(message)


def _wait_for_socket(child: subprocess.Popen[bytes]) -> int | None:
    """Returns the process to look at, once there is one: the child or one that it started."""
    while True:
        for pid in finding.serving():
            if pid == child.pid or finding.descends(pid, child.pid):
                return pid
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_INTERVAL)
            return None


class _Output:
    """What the program writes: passed on, or held back while something else is on the screen."""

    def __init__(self, reader: int) -> None:
        os.set_blocking(reader, False)
        self._pipe: BinaryIO = open(reader, "rb", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        self._held: BinaryIO | None = None
        self._last = collections.deque([b""], maxlen=100)
        self._thread = threading.Thread(target=self._read, name="output", daemon=True)
        self._thread.start()

    def hold(self) -> None:
        """Keeps what comes from now on, in a file."""
        with self._lock:
            self._held = tempfile.TemporaryFile()  # noqa: SIM115

    def let_go(self) -> None:
        """Writes what was kept, and passes on what comes from now on."""
        with self._lock:
            if self._held is not None:
                self._held.seek(0)
                while piece := self._held.read(_PIECE):
                    _write(piece)
                self._held.close()
                self._held = None

    def tail(self, count: int) -> list[str]:
        """Returns the last lines, without what would move the cursor."""
        with self._lock:
            lines = [line.decode(errors="replace") for line in list(self._last)[-count - 1 :]]
        if lines and not lines[-1]:
            lines.pop()
        return ["  " + "".join(c if c.isprintable() else " " for c in line) for line in lines[-count:]]

    def end(self) -> None:
        """Writes all that is left, when the program has ended."""
        # Whatever it has started may still hold the pipe, and go on writing.
        self._thread.join(1)
        for _ in range(_MOST_PIECES):
            if not self._take():
                break
        self.let_go()
        if not self._thread.is_alive():
            self._pipe.close()

    def _read(self) -> None:
        while self._take() is not None:
            select.select([self._pipe], [], [])

    def _take(self) -> bool | None:
        """Takes what is in the pipe and tells whether that was anything; None at its end."""
        # Read and written in one: whoever has the lock knows that nothing is on its way.
        with self._lock:
            piece: bytes | None = self._pipe.read(_PIECE)
            if not piece:
                return False if piece is None else None
            first, *rest = piece.split(b"\n")
            self._last[-1] += first
            self._last.extend(rest)
            if self._held is None:
                _write(piece)
            else:
                self._held.write(piece)
            return True


def _write(piece: bytes) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
