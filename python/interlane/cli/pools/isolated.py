"""Isolated interpreters: a GIL each, jobs and answers through channels."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import interlane
from interlane.cli.crew import Crew
from interlane.cli.pools import CannotStartError, WorkerDiedError
from interlane.cli.serve import CANNOT_START, Message
from interlane.cli.worker import Job

if TYPE_CHECKING:
    from interlane.cli.worker import Answer, Setup

_GRACE = 0.2


class InterpreterPool:
    """Workers share one channel of jobs and one of answers."""

    def __init__(self, setup: Setup, workers: int, in_flight: int) -> None:
        # Nobody waits to send: there is room for every job that is out, and for the last words of every
        # worker.
        self._jobs, self._not_begun = interlane.create_channel[Job](in_flight)
        self._last_words, self._answers = interlane.create_channel[Message](in_flight + 2 * workers)
        serve = f"serve_channels({self._not_begun.id}, {self._answers.id}, {setup!r})"
        self._crew = Crew(workers, f"from interlane.cli.serve import serve_channels\n{serve}", self._lost)

    def _lost(self, why: str) -> None:
        # An error when the main thread has left; then nobody waits.
        with contextlib.suppress(interlane.ChannelError):
            self._last_words.send_nowait(("died", why))

    def submit(self, job: Job) -> None:
        """Hands in a job."""
        self._jobs.send_nowait(job)

    def take(self, timeout: float | None) -> Answer | None:
        """Waits for the next answer."""
        try:
            message = self._answers.recv(timeout)
        except TimeoutError:
            return None
        if len(message) == 2:
            what, why = message
            if what == CANNOT_START:
                raise CannotStartError(why)
            raise WorkerDiedError("a worker was lost", why)
        return message

    def cancel(self) -> list[int]:
        """Receives the jobs that are still in the channel."""
        numbers = []
        while (job := self._not_begun.recv_nowait(None)) is not None:
            numbers.append(job[0])
        return numbers

    def close(self) -> None:
        """Ends the channel of jobs, which ends the workers."""
        self._jobs.close()
        self._crew.join()

    def abandon(self) -> bool:
        """Waits a moment for what is being done; code in an interpreter cannot be stopped."""
        self.cancel()
        self._jobs.close()
        return self._crew.join(_GRACE)
