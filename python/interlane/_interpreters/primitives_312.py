"""CPython 3.12: `_xxsubinterpreters`, with its errors sorted into the later classes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, final

from interlane._interpreters.running import alone
from interlane._not_shareable import NotShareableError

__all__ = [
    "InterpreterError",
    "InterpreterNotFoundError",
    "NotShareableError",
    "Reference",
    "create",
    "current",
    "destroy",
    "ids",
    "is_running",
    "origin",
    "run",
]

_subinterpreters: Any = import_module("_xxsubinterpreters")

# `threading` takes the thread that imported it for the main thread and waits for its lock when the
# interpreter ends, unless that same thread ends it. Code runs on the thread of whoever calls, so nobody
# might ever release the lock: it is taken off the list. An expression, so that `__main__` stays as it is.
_DISARM = """(lambda threading: threading and threading._shutdown_locks.discard(
    threading._main_thread._tstate_lock))(__import__("sys").modules.get("threading"))"""


class InterpreterError(Exception):
    """A cross-interpreter operation failed."""


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found."""


@contextmanager
def _sorted_errors() -> Iterator[None]:
    try:
        yield
    except _subinterpreters.RunFailedError:
        raise
    except RuntimeError as error:
        message = str(error)
        cls = InterpreterNotFoundError if message.startswith("unrecognized interpreter") else InterpreterError
        raise cls(message) from None


@final
class Reference:
    """Keeps an interpreter alive until it is dropped."""

    __slots__ = ("_handle",)

    def __init__(self, number: int, handle: object = None) -> None:
        with _sorted_errors():
            self._handle = _subinterpreters.InterpreterID(number) if handle is None else handle

    # The defaults outlive this module's globals, which are gone when the last ones are dropped.
    def drop(
        self,
        *,
        suppress: Any = suppress,
        run_string: Any = _subinterpreters.run_string,
        disarm: str = _DISARM,
    ) -> None:
        """Gives the interpreter up; it ends, on this thread, if this was the last reference."""
        # An error means that it has gone or is running: then this is not its end.
        with suppress(RuntimeError):
            run_string(self._handle, disarm)
        self._handle = None


def create() -> tuple[int, Reference]:
    """Creates an isolated interpreter with a GIL of its own."""
    with _sorted_errors():
        handle = _subinterpreters.create(isolated=True)
    return int(handle), Reference(int(handle), handle)


def current() -> int:
    """Returns the id of the interpreter that asks."""
    return int(_subinterpreters.get_current())


def ids() -> list[int]:
    """Returns the id of every interpreter."""
    return sorted(int(handle) for handle in _subinterpreters.list_all())


def origin(number: int) -> str:
    """Returns who created the interpreter, in words; 3.12 keeps no record but knows the first one."""
    with _sorted_errors():
        _subinterpreters.is_running(number)
    return "runtime init" if number == int(_subinterpreters.get_main()) else "_interpreters module"


def is_running(number: int) -> bool:
    """Returns whether code runs in the interpreter's `__main__`."""
    with _sorted_errors():
        return bool(_subinterpreters.is_running(number))


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    # Not solved: CPython looks for the interpreter's first thread state without a lock, and a thread that
    # takes its own away at that moment, as whoever visits the interpreter does at the end, may crash the
    # process. A crash here was seen once; that this is the reason is read from CPython's source, not shown.
    try:
        with _sorted_errors(), alone(number, InterpreterError("interpreter already running")):
            _subinterpreters.run_string(number, script)
    except _subinterpreters.RunFailedError as error:
        return str(error)
    return None


def destroy(number: int) -> None:
    """Ends the interpreter, from any thread."""
    with _sorted_errors(), alone(number, InterpreterError("interpreter running")):
        if number != current() and not _subinterpreters.is_running(number):
            with suppress(_subinterpreters.RunFailedError):
                _subinterpreters.run_string(number, _DISARM)
        _subinterpreters.destroy(number)
