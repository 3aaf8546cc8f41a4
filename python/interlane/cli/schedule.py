"""Keeps a pool busy with a bounded number of jobs, and hands the answers on in order, or as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlane.cli.pieces import Problem
from interlane.cli.source import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from interlane.cli.pieces import Piece
    from interlane.cli.pools import Pool
    from interlane.cli.source import Source
    from interlane.cli.worker import Answer

# Jobs that are out, per worker: enough that nobody waits while the main thread writes results.
IN_FLIGHT = 4

# How far the others may be ahead of a job that takes long, per worker, while results are kept in order.
_AHEAD = 64

# How many characters of results may wait for their turn; then nothing is begun until the turn comes.
_WAITING = 1 << 26

# Seconds after which slow input is looked at again while results are awaited.
_PATIENCE = 0.05

# No job has this number.
_NEVER = -1


@dataclass(slots=True)
class Schedule:
    """One pass over the pieces.

    `find` returns the answer to a job that need not be done, `arrived` gets each answer at once with the
    weight of its piece, `deliver` gets it in its turn with the path of its file. `idle` is called before each
    wait and returns how long to wait.
    """

    pool: Pool
    source: Source
    workers: int
    ordered: bool
    keep_going: bool
    find: Callable[[int], Answer | None]
    arrived: Callable[[Answer, int], None]
    deliver: Callable[[str, Answer], None]
    idle: Callable[[], float | None]

    # Paths and weights of the jobs that are out, and answers whose turn has not come, both by number.
    out: dict[int, tuple[str, int]] = field(default_factory=dict)
    _early: dict[int, tuple[str, Answer]] = field(default_factory=dict)
    _waiting: int = 0
    _turn: int = 0
    _submitted: int = 0
    _exhausted: bool = False
    _failed: bool = False

    def run(self) -> bool:
        """Runs until all is done (True), or until what was begun before the first failure is done (False)."""
        while True:
            more = self._submit()
            if self.out:
                timeout = self.idle()
                if more:
                    timeout = min(timeout or _PATIENCE, _PATIENCE)
                answer = self.pool.take(timeout)
                if answer is not None:
                    path, weight = self.out.pop(answer[0])
                    if answer[4] and not self.keep_going:
                        self._cancel()
                    self._answered(path, weight, answer)
            elif self._failed or self._exhausted:
                return not self._failed

    def _submit(self) -> bool:
        """Submits what there is room for; returns whether there was room for more, had it been there."""
        while not self._failed and not self._exhausted and len(self.out) < self.workers * IN_FLIGHT:
            if self.ordered and self.out and self._is_far_ahead():
                return False
            piece = self.source.next(0 if self.out else self.idle())
            if piece is None:
                return True
            if isinstance(piece, type):
                assert piece is End
                self._exhausted = True
                return False
            self._submitted += 1
            if isinstance(piece, Problem):
                self._answered(piece.path, 0, (piece.number, 1, 0, "", [(piece.line, piece.why, "")]))
            else:
                self._begin(piece)
        return False

    def _begin(self, piece: Piece) -> None:
        number, path = piece.job[:2]
        known = self.find(number)
        if known is not None:
            self._answered(path, piece.weight, known)
        else:
            self.out[number] = path, piece.weight
            self.pool.submit(piece.job)

    def _cancel(self) -> None:
        # What nobody has begun lies behind everything that somebody has: no gap comes before the failure.
        # A piece that never became a job is different: all that was submitted comes before it.
        for number in self.pool.cancel():
            del self.out[number]

    def _is_far_ahead(self) -> bool:
        return self._submitted >= self._turn + self.workers * _AHEAD or self._waiting > _WAITING

    def _answered(self, path: str, weight: int, answer: Answer) -> None:
        self.arrived(answer, weight)
        if answer[4] and not self.keep_going:
            self._failed = True
        if not self.ordered:
            self.deliver(path, answer)
            return
        self._early[answer[0]] = path, answer
        self._waiting += len(answer[3])
        while (following := self._early.pop(self._turn, None)) is not None:
            self._waiting -= len(following[1][3])
            self.deliver(*following)
            self._turn += 1
            if following[1][4] and not self.keep_going:
                # The output ends here, as if the jobs had been done one after the other.
                self._turn = _NEVER
