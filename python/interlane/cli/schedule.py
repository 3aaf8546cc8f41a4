"""Keeps a pool busy with a bounded number of jobs, and hands the answers on in order, or as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interlane.cli.pieces import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interlane.cli.pools import Pool
    from interlane.cli.worker import Answer, Job

# Jobs that are out, per worker: enough that nobody waits while the main thread writes results.
IN_FLIGHT = 4

# How far the others may be ahead of a job that takes long, per worker, while results are kept in order.
_AHEAD = 64

# No job has this number.
_NEVER = -1


@dataclass(slots=True)
class Schedule:
    """One pass over the jobs.

    `arrived` gets each answer at once, `deliver` gets it in its turn with the path of its file. `idle` is
    called before each wait and returns how long to wait.
    """

    pool: Pool
    jobs: Iterator[Job | Problem]
    workers: int
    ordered: bool
    keep_going: bool
    deliver: Callable[[str, Answer], None]
    arrived: Callable[[Answer], None]
    idle: Callable[[], float | None]

    # Paths of the jobs that are out, and answers whose turn has not come, both by number.
    out: dict[int, str] = field(default_factory=dict)
    _early: dict[int, tuple[str, Answer]] = field(default_factory=dict)
    _turn: int = 0
    _submitted: int = 0
    _exhausted: bool = False
    _failed: bool = False

    def run(self) -> bool:
        """Runs until all is done (True), or until what was begun before the first failure is done (False)."""
        while True:
            self._submit()
            if not self.out:
                return not self._failed
            answer = self.pool.take(self.idle())
            if answer is not None:
                self._answered(self.out.pop(answer[0]), answer)

    def _submit(self) -> None:
        while not self._failed and not self._exhausted and len(self.out) < self.workers * IN_FLIGHT:
            if self.ordered and self._submitted >= self._turn + self.workers * _AHEAD:
                return
            job = next(self.jobs, None)
            if job is None:
                self._exhausted = True
                return
            self._submitted += 1
            if isinstance(job, Problem):
                self._answered(job.path, (job.number, 1, 0, "", [(0, job.why, "")]))
            else:
                self.out[job[0]] = job[1]
                self.pool.submit(job)

    def _answered(self, path: str, answer: Answer) -> None:
        self.arrived(answer)
        if answer[4] and not self.keep_going:
            self._failed = True
            # What nobody has begun lies behind everything that somebody has: no gap comes before the failure.
            for number in self.pool.cancel():
                del self.out[number]
        if not self.ordered:
            self.deliver(path, answer)
            return
        self._early[answer[0]] = path, answer
        while (following := self._early.pop(self._turn, None)) is not None:
            self.deliver(*following)
            self._turn += 1
            if following[1][4] and not self.keep_going:
                # The output ends here, as if the jobs had been done one after the other.
                self._turn = _NEVER
