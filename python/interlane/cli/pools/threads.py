"""Threads of the main interpreter: one GIL, so good for functions that wait or release it."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from interlane.cli.pools import CannotStartError
from interlane.cli.worker import Answer, Worker, reason_of

if TYPE_CHECKING:
    from interlane.cli.worker import Job, Setup

_GRACE = 0.2


class ThreadPool:
    """All threads call the same function object. Jobs are futures, and those that are done queue up here."""

    def __init__(self, setup: Setup, workers: int) -> None:
        try:
            self._worker = Worker(setup)
        except Exception as error:
            raise CannotStartError(reason_of(error)) from None
        self._executor = ThreadPoolExecutor(workers)
        self._out: dict[Future[Answer], int] = {}
        self._newest = -1
        self._done: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()

    def submit(self, job: Job) -> None:
        """Hands in a job."""
        future = self._executor.submit(self._worker.do, job)
        self._out[future] = job[0]
        future.add_done_callback(self._done.put)

    def take(self, timeout: float | None) -> Answer | None:
        """Waits for the next future that is done."""
        while True:
            try:
                future = self._done.get(timeout=timeout)
            except queue.Empty:
                return None
            # One that `cancel` has forgotten comes by as well.
            number = self._out.pop(future, None)
            if number is not None:
                self._newest = max(self._newest, number)
                return future.result()

    def cancel(self) -> list[int]:
        """Cancels the futures that no thread has taken yet.

        Threads take them in order. One that is older than an answer has been taken, even if its thread has
        not got round to marking it as running, and its own failure may be the one to report.
        """
        waiting = [future for future, number in self._out.items() if number > self._newest]
        cancelled = [future for future in waiting if future.cancel()]
        return [self._out.pop(future) for future in cancelled]

    def close(self) -> None:
        """Waits for the threads."""
        self._executor.shutdown()

    def abandon(self) -> bool:
        """Waits a moment for what is being done; a thread cannot be stopped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + _GRACE
        while running := [future for future in self._out if not future.done()]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        return not running
