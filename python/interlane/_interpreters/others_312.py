"""CPython 3.12: `_xxsubinterpreters`, for interpreters that are not of our making.

It raises RuntimeError for everything, which `primitives` sorts.
"""

from importlib import import_module
from typing import Any

from interlane._not_shareable import NotShareableError

__all__ = [
    "InterpreterError",
    "InterpreterNotFoundError",
    "NotShareableError",
    "current",
    "destroy",
    "is_running",
    "origin",
    "reference",
    "run",
]

_subinterpreters: Any = import_module("_xxsubinterpreters")


class InterpreterError(Exception):
    """A cross-interpreter operation failed."""


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found."""


reference = _subinterpreters.InterpreterID
is_running = _subinterpreters.is_running
destroy = _subinterpreters.destroy


def current() -> int:
    """Returns the id of the interpreter that asks."""
    return int(_subinterpreters.get_current())


def origin(number: int) -> str:
    """Returns who created the interpreter, in words; 3.12 keeps no record but knows the first one."""
    _subinterpreters.is_running(number)
    return "runtime init" if number == int(_subinterpreters.get_main()) else "_interpreters module"


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    try:
        _subinterpreters.run_string(number, script)
    except _subinterpreters.RunFailedError as error:
        return str(error)
    return None
