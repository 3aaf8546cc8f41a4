"""What `interlane.interpreters` stands on: interpreters of our own making.

For those of others there is CPython's private module. That loses its way when one thread asks for an
interpreter, or for all, while another one ends it, so it is never asked about ours.

`run(id, script)` returns None or the text of the exception that the script raised. A `Reference` keeps an
interpreter alive; when the last one has gone, anywhere in the process, the interpreter ends.
"""

import sys
from typing import Any, Self, final

from interlane import _core

if sys.version_info >= (3, 13):
    from interlane._interpreters import others_313 as _others
else:
    from interlane._interpreters import others_312 as _others

RUNTIME = "runtime init"
MODULE = "_interpreters module"

InterpreterError = _others.InterpreterError
InterpreterNotFoundError = _others.InterpreterNotFoundError
NotShareableError = _others.NotShareableError
current = _others.current

# Typed as what it is on every version: a checker sees the functions of one only.
_ours: Any = _core


class _SortedErrors:
    """Raises what 3.12 and our own functions mean by a RuntimeError.

    No generator: the error thrown into that would refer to a frame that refers to the error, and all that its
    traceback refers to (interpreters, above all) would stay until the garbage collector runs.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _cls: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, RuntimeError):
            message = str(error)
            unknown = message.startswith("unrecognized interpreter")
            raise (InterpreterNotFoundError if unknown else InterpreterError)(message) from None


_sorted_errors = _SortedErrors()


@final
class Reference:
    """Keeps an interpreter alive; with the last one it ends, on the thread that drops it."""

    __slots__ = ("_number", "_other")

    _number: int
    _other: object | None

    def __new__(cls, number: int, *, new: bool = False) -> Self:
        other = None
        if not new:
            counted = _ours._made_refer(number)  # noqa: SLF001  # ours
            if counted is None:
                with _sorted_errors:
                    other = _others.reference(number)
            elif not counted:
                raise InterpreterNotFoundError(f"unrecognized interpreter ID {number}")
        self = super().__new__(cls)
        self._number = number
        self._other = other
        return self

    # The default outlives this module's globals, which are gone when the last ones are dropped.
    def __del__(self, *, release: Any = _ours._made_release) -> None:  # noqa: SLF001  # ours
        if self._other is None:
            release(self._number)


def create() -> tuple[int, Reference]:
    """Creates an isolated interpreter with a GIL of its own."""
    with _sorted_errors:
        number: int = _ours._made_create()  # noqa: SLF001  # ours
    return number, Reference(number, new=True)


def ids() -> list[int]:
    """Returns the ids of the main interpreter, of the one that asks, and of all of our making.

    CPython's list has those of others, too, but crashes when one ends in the middle of it.
    """
    return sorted({0, current(), *_ours._made_ids()})  # noqa: SLF001  # ours


def origin(number: int) -> str:
    """Returns who created the interpreter, in words."""
    if _ours._made_in_use(number) is not None:  # noqa: SLF001  # ours
        return MODULE
    with _sorted_errors:
        return _others.origin(number)


def is_running(number: int) -> bool:
    """Returns whether code runs in the interpreter's `__main__`."""
    in_use = _ours._made_in_use(number)  # noqa: SLF001  # ours
    if in_use is None:
        with _sorted_errors:
            return bool(_others.is_running(number))
    return bool(in_use)


def run(number: int, script: str) -> str | None:
    """Runs the script in the interpreter's `__main__`."""
    with _sorted_errors:
        raised: str | None = _ours._made_run(number, script)  # noqa: SLF001  # ours
        if raised is None:
            return _others.run(number, script)
    return raised or None


def destroy(number: int) -> None:
    """Ends the interpreter, from any thread."""
    with _sorted_errors:
        if number == current() or not _ours._made_destroy(number):  # noqa: SLF001  # ours
            _others.destroy(number)
