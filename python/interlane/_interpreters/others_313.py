"""CPython 3.13: `_interpreters`, for interpreters that are not of our making."""

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, final

_interpreters: Any = import_module("_interpreters")

if TYPE_CHECKING:

    class InterpreterError(Exception): ...

    class InterpreterNotFoundError(InterpreterError): ...

    class NotShareableError(ValueError): ...
else:
    InterpreterError = _interpreters.InterpreterError
    InterpreterNotFoundError = _interpreters.InterpreterNotFoundError
    NotShareableError = _interpreters.NotShareableError

_ORIGINS = {
    _interpreters.WHENCE_UNKNOWN: "unknown",
    _interpreters.WHENCE_RUNTIME: "runtime init",
    _interpreters.WHENCE_LEGACY_CAPI: "legacy C-API",
    _interpreters.WHENCE_CAPI: "C-API",
    _interpreters.WHENCE_XI: "cross-interpreter C-API",
    _interpreters.WHENCE_STDLIB: "_interpreters module",
}

is_running = _interpreters.is_running
destroy = _interpreters.destroy


@final
class reference:  # noqa: N801  # a function on 3.12
    """Keeps an interpreter alive."""

    __slots__ = ("_number",)

    _number: int

    def __new__(cls, number: int) -> Self:
        _interpreters.incref(number)
        self = super().__new__(cls)
        self._number = number
        return self

    # The defaults outlive this module's globals, which are gone when the last ones are dropped.
    def __del__(
        self,
        *,
        decref: Any = _interpreters.decref,
        suppress: Any = suppress,
        gone: Any = InterpreterNotFoundError,
    ) -> None:
        with suppress(gone):
            decref(self._number)


def current() -> int:
    """Returns the id of the interpreter that asks."""
    number, _ = _interpreters.get_current()
    return int(number)


def origin(number: int) -> str:
    """Returns who created the interpreter, in words."""
    return _ORIGINS[_interpreters.whence(number)]


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    raised = _interpreters.exec(number, script)
    return None if raised is None else str(raised.msg or raised.formatted)
