"""What becomes of interpreters that are still open when the one that knows them ends.

Left to CPython, they end after the last Python code has run: threads in them then make 3.12 hang or abort
and 3.13 hang.

A daemon thread may be in one of them. If it waits in a call of interlane's, that is ended, so that the thread
gets out of the interpreter; back here, it stays where it is, as daemon threads do then.
"""

import atexit
import threading
import time
from collections.abc import Callable, Collection
from typing import Protocol

from interlane import _core
from interlane._interpreters.primitives import InterpreterError, InterpreterNotFoundError, current

# For code that a daemon thread still runs and that is about to return, its waits having been ended.
_GRACE = 1.0

_ending = threading.Event()


class Open(Protocol):
    """An interpreter that may have to be closed."""

    def close(self) -> None:
        """Ends it; raises InterpreterNotFoundError when it has gone, InterpreterError while it is in use."""

    def _release(self) -> None: ...


def close_at_exit(known: Callable[[], Collection[Open]]) -> None:
    """Arranges that what `known` returns then is closed (or, in a sub-interpreter, let go) at exit."""
    # Other interpreters may go on using what this one has opened, unless the whole process ends.
    atexit.register(_close_all if current() == 0 else _release_all, known)


def stay_if_ending() -> None:
    """Does not return to a daemon thread once the process is ending."""
    if _ending.is_set() and threading.current_thread().daemon:
        nobody = threading.Lock()
        nobody.acquire()
        nobody.acquire()


def _close_all(known: Callable[[], Collection[Open]]) -> None:
    _ending.set()
    deadline = time.monotonic() + _GRACE
    left = [interpreter for interpreter in known() if not _closed(interpreter)]
    while left and time.monotonic() < deadline:
        _core._expel_daemons()  # noqa: SLF001  # ours
        time.sleep(0.002)
        left = [interpreter for interpreter in left if not _closed(interpreter)]


def _closed(interpreter: Open) -> bool:
    try:
        interpreter.close()
    except InterpreterNotFoundError:
        return True
    except InterpreterError:
        return False
    return True


def _release_all(known: Callable[[], Collection[Open]]) -> None:
    for interpreter in known():
        interpreter._release()  # noqa: SLF001  # the other half of the class
