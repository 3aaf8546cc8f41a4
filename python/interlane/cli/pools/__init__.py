"""Where the work is done: one pool per backend, all with the same four verbs.

A pool belongs to the thread that made it. It never blocks in `submit`: the caller keeps the number of jobs
that are out below what it said when it made the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from interlane.cli.worker import Answer, Job, Setup

BACKENDS = ("interpreters", "processes", "threads", "serial")


class CannotStartError(Exception):
    """No worker can be started; the text says why, remote traceback included."""


class WorkerDiedError(Exception):
    """A worker ended without answering; the text says what is known, `trace` is a remote traceback, or ""."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.trace = trace


class Pool(Protocol):
    """Workers that do jobs."""

    def submit(self, job: Job) -> None:
        """Hands in a job."""

    def take(self, timeout: float | None) -> Answer | None:
        """Waits for the next answer, in the order in which jobs end; None when the time is over.

        Raises CannotStartError, WorkerDiedError.
        """

    def cancel(self) -> list[int]:
        """Takes back the jobs that nobody has begun and returns their numbers."""

    def close(self) -> None:
        """Waits for the workers, who have nothing left to do, to end."""

    def abandon(self) -> bool:
        """Stops at once. Returns False when something still runs that ends only with the process."""


def create(backend: str, setup: Setup, workers: int, in_flight: int) -> Pool:
    """Returns a pool for at most `in_flight` jobs at a time."""
    if backend == "interpreters":
        from interlane.cli.pools.isolated import InterpreterPool

        return InterpreterPool(setup, workers, in_flight)
    if backend == "processes":
        from interlane.cli.pools.processes import ProcessPool

        return ProcessPool(setup, workers)
    if backend == "threads":
        from interlane.cli.pools.threads import ThreadPool

        return ThreadPool(setup, workers)
    from interlane.cli.pools.serial import SerialPool

    return SerialPool(setup)
