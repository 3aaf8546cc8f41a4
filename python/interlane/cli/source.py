"""Where the pieces come from: cut when they are asked for, or by a thread that waits for slow input."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interlane.cli.pieces import Piece, Problem

# Seconds; the longest that it waits for a piece.
_HEARTBEAT = 0.2

# Pieces that are cut in advance, per worker.
_AHEAD = 4


class End:
    """That there are no more pieces."""


class Source(Protocol):
    """Gives pieces."""

    def next(self, timeout: float | None) -> Piece | Problem | type[End] | None:
        """Returns the next piece; None when there is none yet after so many seconds (None: some)."""


class Ready:
    """Cuts in the calling thread."""

    def __init__(self, pieces: Iterator[Piece | Problem]) -> None:
        self._pieces = pieces

    def next(self, timeout: float | None) -> Piece | Problem | type[End]:  # noqa: ARG002  it is there
        """Returns the next piece."""
        return next(self._pieces, End)


class Feed:
    """Cuts in a thread of its own, so that results need not wait for input that comes slowly."""

    def __init__(self, pieces: Iterator[Piece | Problem], workers: int) -> None:
        self._pieces = pieces
        self._queue: queue.Queue[Piece | Problem | type[End] | BaseException] = queue.Queue(workers * _AHEAD)
        # Nobody can interrupt a read: the thread must not keep the process alive.
        threading.Thread(target=self._run, name="interlane-feed", daemon=True).start()

    def _run(self) -> None:
        try:
            for piece in self._pieces:
                self._queue.put(piece)
        except BaseException as error:
            self._queue.put(error)
        else:
            self._queue.put(End)

    def next(self, timeout: float | None) -> Piece | Problem | type[End] | None:
        """Returns the next piece, or None."""
        # Never waits for long: a Ctrl-C that comes just before a wait for ever would come too late.
        timeout = _HEARTBEAT if timeout is None else timeout
        try:
            piece = self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(piece, BaseException):
            raise piece
        return piece
