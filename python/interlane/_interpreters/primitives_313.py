"""CPython 3.13: `_interpreters`, the private module below the later `concurrent.interpreters`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, final

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


@final
class Reference:
    """Keeps an interpreter alive until it is dropped."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        _interpreters.incref(number)
        self._number = number

    # The defaults outlive this module's globals, which are gone when the last ones are dropped.
    def drop(
        self,
        *,
        decref: Any = _interpreters.decref,
        suppress: Any = suppress,
        gone: Any = InterpreterNotFoundError,
    ) -> None:
        """Gives the interpreter up; it ends if this was the last reference."""
        with suppress(gone):
            decref(self._number)


def create() -> tuple[int, Reference]:
    """Creates an isolated interpreter with a GIL of its own."""
    number = _interpreters.create("isolated", reqrefs=True)
    return number, Reference(number)


def current() -> int:
    """Returns the id of the interpreter that asks."""
    number, _ = _interpreters.get_current()
    return int(number)


def ids() -> list[int]:
    """Returns the id of every interpreter that is ready."""
    return [number for number, _ in _interpreters.list_all(require_ready=True)]


def origin(number: int) -> str:
    """Returns who created the interpreter, in words."""
    return _ORIGINS[_interpreters.whence(number)]


def is_running(number: int) -> bool:
    """Returns whether code runs in the interpreter's `__main__`."""
    return bool(_interpreters.is_running(number))


_runs: dict[int, object] = {}


@contextmanager
def _alone(number: int, otherwise: Exception) -> Iterator[None]:
    """Keeps our other threads out of the interpreter, or raises `otherwise` if one of them is in there.

    CPython asks first whether code runs and begins then: whoever comes in between gets a `SystemError`.
    """
    me = object()
    if _runs.setdefault(number, me) is not me:
        raise otherwise
    try:
        yield
    finally:
        del _runs[number]


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    with _alone(number, InterpreterError("interpreter already running")):
        raised = _interpreters.exec(number, script)
    return None if raised is None else str(raised.msg or raised.formatted)


def destroy(number: int) -> None:
    """Ends the interpreter, from any thread."""
    with _alone(number, InterpreterError("interpreter running")):
        _interpreters.destroy(number)
