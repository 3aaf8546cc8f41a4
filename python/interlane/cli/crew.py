"""Isolated interpreters at work, each in a thread of its own."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from interlane import interpreters
from interlane.cli.worker import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

_PREPARE = "import sys\nsys.path[:] = {path!r}\n"


class Crew:
    """Runs the same code in several interpreters at once, which look for modules where this one does.

    Each thread creates, runs and closes its interpreter, so all start at the same time. `lost` is called, in
    that thread, with the reason when the code did not end by itself.
    """

    def __init__(self, workers: int, code: str, lost: Callable[[str], None]) -> None:
        self._lost = lost
        code = _PREPARE.format(path=sys.path) + code
        self._threads = [
            threading.Thread(target=self._work, args=(code,), name=f"interlane-worker-{number}")
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, code: str) -> None:
        try:
            interpreter = interpreters.create()
            try:
                interpreter.exec(code)
            finally:
                interpreter.close()
        except BaseException as error:
            self._lost(reason_of(error))

    def join(self, timeout: float | None = None) -> bool:
        """Waits for all of them to end, and tells whether they have."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
