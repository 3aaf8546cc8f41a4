"""What becomes of interpreters that are still open when the one that knows them ends.

Left to CPython, they end after the last Python code has run: threads in them then make 3.12 hang or abort
and 3.13 hang.
"""

import atexit
import time
from collections.abc import Callable, Collection
from typing import Protocol

from interlane._interpreters.primitives import InterpreterError, current

# For code that a daemon thread still runs and that is about to return, its channels having been closed.
_GRACE = 1.0


class Open(Protocol):
    """An interpreter that may have to be closed."""

    def close(self) -> None:
        """Ends it; raises InterpreterError while it is running or has gone."""

    def is_running(self) -> bool:
        """Returns whether code runs in it; raises InterpreterError when it has gone."""

    def _release(self) -> None: ...


def close_at_exit(known: Callable[[], Collection[Open]]) -> None:
    """Arranges that what `known` returns then is closed (or, in a sub-interpreter, let go) at exit."""
    # Other interpreters may go on using what this one has opened, unless the whole process ends.
    atexit.register(_close_all if current() == 0 else _release_all, known)


def _close_all(known: Callable[[], Collection[Open]]) -> None:
    deadline = time.monotonic() + _GRACE
    left = [interpreter for interpreter in known() if not _closed(interpreter)]
    while left and time.monotonic() < deadline:
        time.sleep(0.002)
        left = [interpreter for interpreter in left if not _closed(interpreter)]


def _closed(interpreter: Open) -> bool:
    try:
        interpreter.close()
    except InterpreterError:
        try:
            return not interpreter.is_running()
        except InterpreterError:
            return True
    return True


def _release_all(known: Callable[[], Collection[Open]]) -> None:
    for interpreter in known():
        interpreter._release()  # noqa: SLF001  # the other half of the class
