"""The loops that run in a worker interpreter and in a worker process: take a job, send its answer."""

from __future__ import annotations

import sys

import interlane
from interlane.cli.worker import Worker, reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from interlane.cli.worker import Answer, Job, Setup

CANNOT_START = "cannot start"

# In place of an answer: that a worker is lost, and why.
type Message = Answer | tuple[str, str]


def serve_channels(jobs_id: int, answers_id: int, setup: Setup) -> None:
    """Receives jobs from one channel and sends answers to the other until there are no more jobs."""
    jobs: interlane.RecvChannel[Job] = interlane.RecvChannel.from_id(jobs_id)
    answers: interlane.SendChannel[Message] = interlane.SendChannel.from_id(answers_id)
    with jobs, answers:
        try:
            worker = Worker(setup)
        except BaseException as error:
            answers.send((CANNOT_START, reason_of(error)))
            return
        for job in jobs:
            answers.send(worker.do(job))


def serve_connection(connection: Connection[Answer | str, Job | None], setup: Setup, path: list[str]) -> None:
    """Receives jobs from a pipe and sends answers back until it gets None.

    The first thing it sends is a text: why it cannot start, or nothing.
    """
    sys.path[:] = path
    try:
        worker = Worker(setup)
    except BaseException as error:
        connection.send(reason_of(error))
        return
    try:
        connection.send("")
        while (job := connection.recv()) is not None:
            connection.send(worker.do(job))
    except (EOFError, OSError):
        # The main process has gone.
        return
