"""CPython 3.12: interpreters of our own making, and `_xxsubinterpreters` for those that are not.

Its errors are sorted into the later classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, final

from interlane import _core
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
# Typed as what it is on every version: a checker sees the functions of one only.
_made: Any = _core


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

    __slots__ = ("_number", "_handle")

    def __init__(self, number: int, *, new: bool = False) -> None:
        self._number = number
        self._handle = None
        if not new and not _made._made_refer(number):  # noqa: SLF001  # ours
            with _sorted_errors():
                self._handle = _subinterpreters.InterpreterID(number)

    # The default outlives this module's globals, which are gone when the last ones are dropped.
    def drop(self, *, release: Any = _made._made_release) -> None:  # noqa: SLF001  # ours
        """Gives the interpreter up; it ends, on this thread, if this was the last reference."""
        if self._handle is None:
            release(self._number)
        self._handle = None


def create() -> tuple[int, Reference]:
    """Creates an isolated interpreter with a GIL of its own."""
    with _sorted_errors():
        number: int = _made._made_create()  # noqa: SLF001  # ours
    return number, Reference(number, new=True)


def current() -> int:
    """Returns the id of the interpreter that asks."""
    return int(_subinterpreters.get_current())


def ids() -> list[int]:
    """Returns the ids of the main interpreter, of the one that asks, and of all of our making.

    CPython's list has those of others, too, but crashes when one ends in the middle of it.
    """
    return sorted({0, current(), *_made._made_ids()})  # noqa: SLF001  # ours


def origin(number: int) -> str:
    """Returns who created the interpreter, in words; 3.12 keeps no record but knows the first one."""
    with _sorted_errors():
        _subinterpreters.is_running(number)
    return "runtime init" if number == int(_subinterpreters.get_main()) else "_interpreters module"


def is_running(number: int) -> bool:
    """Returns whether code runs in the interpreter's `__main__`."""
    with _sorted_errors():
        return bool(_made._made_in_use(number) or _subinterpreters.is_running(number))  # noqa: SLF001  # ours


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    try:
        with _sorted_errors():
            raised: str | None = _made._made_run(number, script)  # noqa: SLF001  # ours
            if raised is not None:
                return raised or None
            _subinterpreters.run_string(number, script)
    except _subinterpreters.RunFailedError as error:
        return str(error)
    return None


def destroy(number: int) -> None:
    """Ends the interpreter, from any thread."""
    with _sorted_errors():
        if number == current() or not _made._made_destroy(number):  # noqa: SLF001  # ours
            _subinterpreters.destroy(number)
