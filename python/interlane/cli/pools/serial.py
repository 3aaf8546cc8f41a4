"""The calling thread does everything itself: the yardstick, and the backend to debug with."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from interlane.cli.pools import CannotStartError
from interlane.cli.worker import Worker, reason_of

if TYPE_CHECKING:
    from interlane.cli.worker import Answer, Job, Setup


class SerialPool:
    """Does each job when its answer is asked for."""

    def __init__(self, setup: Setup) -> None:
        try:
            self._worker = Worker(setup, interruptible=True)
        except Exception as error:
            raise CannotStartError(reason_of(error)) from None
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Hands in a job."""
        self._jobs.append(job)

    def take(self, timeout: float | None) -> Answer | None:  # noqa: ARG002  it takes what it takes
        """Does the next job."""
        return self._worker.do(self._jobs.popleft())

    def cancel(self) -> list[int]:
        """Forgets the jobs not done yet."""
        numbers = [job[0] for job in self._jobs]
        self._jobs.clear()
        return numbers

    def close(self) -> None:
        """Does nothing."""

    def abandon(self) -> bool:
        """Does nothing: whoever calls this is the worker."""
        return True
