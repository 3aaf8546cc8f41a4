"""What can go wrong with an interpreter, and the summary of an exception that happened in one."""

import ast
from types import SimpleNamespace

from interlane._interpreters.primitives import (
    InterpreterError,
    InterpreterNotFoundError,
    NotShareableError,
)

__all__ = [
    "ExecutionFailed",
    "InterpreterError",
    "InterpreterNotFoundError",
    "NotShareableError",
    "error_from",
    "unshareable",
]


class ExecutionFailed(InterpreterError):  # noqa: N818  # the standard library's name
    """Code in another interpreter raised an exception that nothing there caught.

    The exception itself cannot leave its interpreter. `excinfo` is a snapshot: `type` (with `__name__`,
    `__qualname__` and `__module__`), `msg`, `formatted` (type and message) and `errdisplay` (the traceback).
    """

    excinfo: SimpleNamespace

    def __init__(self, excinfo: SimpleNamespace) -> None:
        super().__init__(excinfo.formatted or excinfo.msg)
        self.excinfo = excinfo

    def __str__(self) -> str:
        summary = super().__str__()
        display = getattr(self.excinfo, "errdisplay", None)
        return f"{summary}\n\nUncaught in the interpreter:\n\n{display}" if display else summary

    def __reduce__(self) -> tuple[type["ExecutionFailed"], tuple[SimpleNamespace]]:
        return type(self), (self.excinfo,)


def error_from(outcome: str) -> Exception:
    """Returns the exception to raise for what `remote` (or the interpreter itself) reported."""
    try:
        kind, *fields = ast.literal_eval(outcome[outcome.index("(") :])
    except (ValueError, SyntaxError):
        # Not raised by `remote`: memory ran out or CPython could not even start the script.
        return InterpreterError(outcome)
    if kind == "unshareable":
        return unshareable(*fields)
    name, qualname, module, message, formatted, display = fields
    return ExecutionFailed(
        SimpleNamespace(
            type=SimpleNamespace(__name__=name, __qualname__=qualname, __module__=module),
            msg=message,
            formatted=formatted,
            errdisplay=display,
        )
    )


def unshareable(message: str) -> Exception:
    """Returns interlane's `NotShareableError`, which is also one of `interpreters.NotShareableError`."""
    import interlane

    return interlane.NotShareableError(message)
