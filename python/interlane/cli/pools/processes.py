"""Processes, started afresh: for functions that need what an isolated interpreter cannot load.

Not `concurrent.futures`: there all workers answer through one pipe, and one that is killed while it writes
leaves the reader waiting for the rest for ever. Here each has a pipe of its own, which ends with the process,
so it is known which job was its last. That job fails, and another process takes the place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from interlane.cli.pools import CannotStartError
from interlane.cli.serve import serve_connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from interlane.cli.worker import Answer, Job, Setup

# Jobs that a worker has at a time: one to do, and one so that it need not wait for the next.
_JOBS = 2


class _Process:
    """A worker process, this end of its pipe, and the jobs that it has."""

    def __init__(self, setup: Setup) -> None:
        # Spawned, not forked: a fork of a process with threads or interpreters in it is a gamble.
        context = multiprocessing.get_context("spawn")
        self.connection: Connection[Job | None, Answer | str]
        self.connection, theirs = context.Pipe()
        self.jobs: deque[Job] = deque()
        self.ready = False
        self._process = context.Process(target=serve_connection, args=(theirs, setup, sys.path))
        # It inherits the mask: Ctrl-C, which a terminal sends to all, is for the main process alone.
        with _without_ctrl_c():
            self._process.start()
        theirs.close()

    def give(self, job: Job) -> None:
        """Hands over a job. If the process has died, reading from it will tell."""
        self.jobs.append(job)
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def listens(self) -> bool:
        """Tells whether it is waiting for a job, and takes one of any size.

        To any other, what does not fit into the pipe cannot be sent: it may be waiting itself, to send an
        answer that does not fit.
        """
        return self.ready and not self.jobs

    def let_go(self) -> None:
        """Tells the process to end."""
        with contextlib.suppress(OSError):
            self.connection.send(None)

    def kill(self) -> None:
        """Makes the process end."""
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> str:
        """Waits for the process to end, does not wait longer than it may, and says how it ended."""
        self._process.join(timeout)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        code = self._process.exitcode or 0
        return f"exit code {code}" if code >= 0 else f"signal {-code}"


class ProcessPool:
    """Hands jobs to whoever has the fewest, and replaces those that die."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self._setup = setup
        self._waiting: deque[Job] = deque()
        self._workers: list[_Process] = []
        try:
            for _ in range(workers):
                self._workers.append(_Process(setup))
        except BaseException:
            self.abandon()
            raise

    def submit(self, job: Job) -> None:
        """Hands in a job."""
        self._waiting.append(job)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting:
            with_data = self._waiting[0][6] is not None
            worker = min(self._workers, key=lambda worker: (len(worker.jobs), with_data and not worker.ready))
            if len(worker.jobs) >= _JOBS or (with_data and not worker.listens()):
                return
            worker.give(self._waiting.popleft())

    def take(self, timeout: float | None) -> Answer | None:
        """Waits for the next answer."""
        while True:
            connections = {worker.connection: worker for worker in self._workers}
            ready = wait(list(connections), timeout)
            if not ready:
                return None
            answer = self._read(next(worker for end, worker in connections.items() if end in ready))
            self._hand_out()
            if answer is not None:
                return answer

    def _read(self, worker: _Process) -> Answer | None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(worker)
        # The first message says whether it could start.
        if isinstance(message, str):
            if message:
                raise CannotStartError(message)
            worker.ready = True
            return None
        worker.jobs.popleft()
        # Who was just served comes last in the next round.
        self._workers.remove(worker)
        self._workers.append(worker)
        return message

    def _replace(self, worker: _Process) -> Answer | None:
        how = worker.wait(1)
        self._workers.remove(worker)
        if not worker.ready:
            raise CannotStartError(f"a worker process ended while it started, with {how}")
        self._workers.append(_Process(self._setup))
        last = worker.jobs.popleft() if worker.jobs else None
        self._waiting.extendleft(reversed(worker.jobs))
        if last is None:
            return None
        return last[0], 1, 0, "", [(0, f"the worker process ended abruptly, with {how}", "")]

    def cancel(self) -> list[int]:
        """Forgets the jobs that no process has."""
        numbers = [job[0] for job in self._waiting]
        self._waiting.clear()
        return numbers

    def close(self) -> None:
        """Lets the processes end and waits for them."""
        for worker in self._workers:
            worker.let_go()
        for worker in self._workers:
            worker.wait()

    def abandon(self) -> bool:
        """Terminates the processes."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.wait(1)
        return True


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # Else the first process is what starts it, and before 3.14 that ends with SIGINT unblocked.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
