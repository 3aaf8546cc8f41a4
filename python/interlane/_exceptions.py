"""Exceptions on their way: taken apart in the interpreter that raised them, put together in another one."""

import builtins
import sys
from contextlib import suppress
from typing import Any

from interlane import _core
from interlane._core import RemoteError

type Record = tuple[
    str, str, tuple[object, ...], dict[str, object], dict[str, object], str, int | None, int | None, bool
]


class RemoteTraceback(Exception):  # noqa: N818  # as in concurrent.futures, where people know it from
    """Stands, as the cause, for the traceback of an exception that came from another interpreter."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def take_apart(error: BaseException) -> tuple[object, tuple[object, ...]]:
    """Returns the rebuild function and its parts: the traceback, and a record of each error in the chain."""
    chain = [error]
    for member in chain:
        for other in (member.__cause__, member.__context__):
            # What travels for the second time has its traceback in the text of this one.
            if other is None or isinstance(other, RemoteTraceback) or any(other is known for known in chain):
                continue
            chain.append(other)

    def number(other: BaseException | None) -> int | None:
        return next((n for n, member in enumerate(chain) if member is other), None)

    records = []
    for member in chain:
        cls = type(member)
        args, members = _reduced(member)
        state = {name: _plain(value) for name, value in vars(member).items()}
        members = {name: _plain(value) for name, value in members.items()}
        records.append(
            (
                cls.__module__,
                cls.__qualname__,
                tuple(_plain(arg) for arg in args),
                state,
                members,
                _text(member),
                number(member.__cause__),
                number(member.__context__),
                member.__suppress_context__,
            )
        )
    return put_together, (_formatted(error), *records)


def put_together(traceback: str, *records: Record) -> BaseException:
    """Returns the exception of the first record, chained to those of the others.

    The traceback, which tells of all of them, is at the end of the chain of causes.
    """
    errors = [_rebuilt(record) for record in records]
    for error, (*_, cause, context, silent) in zip(errors, records, strict=True):
        error.__cause__ = None if cause is None else errors[cause]
        error.__context__ = None if context is None else errors[context]
        error.__suppress_context__ = silent
    first = errors[0]
    if traceback:
        last, passed = first, {id(first)}
        while last.__cause__ is not None and id(last.__cause__) not in passed:
            last = last.__cause__
            passed.add(id(last))
        if last.__cause__ is None:
            silent = last.__suppress_context__
            last.__cause__ = RemoteTraceback(traceback)
            last.__suppress_context__ = silent
    return first


def _reduced(error: BaseException) -> tuple[tuple[object, ...], dict[str, object]]:
    """Returns what the class is to be called with, and what to set then that is not in the `__dict__`.

    That is more than `args`: an OSError has its file names elsewhere, an ImportError the name of the module.
    """
    try:
        reduced: Any = error.__reduce__()
        cls, args, *rest = reduced
        if cls is type(error) and isinstance(args, tuple):
            members = dict(rest[0]) if rest and rest[0] else {}
            return args, {name: members[name] for name in members.keys() - vars(error).keys()}
    except Exception:  # whatever the class does
        pass
    return error.args, {}


def _plain(value: object) -> object:
    """The value, or its repr where it cannot be shared: an exception must get through."""
    if isinstance(value, BaseException) or _core.is_shareable(value):
        return value
    try:
        return repr(value)
    except Exception:  # whatever the class does
        return f"<{type(value).__qualname__}>"


def _text(error: BaseException) -> str:
    try:
        # An exact str: a subclass could print itself as anything.
        return str.__str__(str(error))
    except Exception:  # whatever the class does
        return "<exception str() failed>"


def _formatted(error: BaseException) -> str:
    """Returns the error with its traceback and those of what it is chained to."""
    if error.__traceback__ is None:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, RemoteTraceback):
            cause = cause.__cause__
        if cause is not None:
            return cause.text  # it has only passed through here
    try:
        from traceback import TracebackException

        return "".join(TracebackException(type(error), error, error.__traceback__, compact=True).format())
    except Exception:  # the report must not fail for want of its last part
        return ""


def _rebuilt(record: Record) -> BaseException:
    module, qualname, args, state, members, text, *_ = record
    cls = _class(module, qualname)
    if cls is None:
        error: BaseException = RemoteError(f"{module}.{qualname}: {text}")
    else:
        try:
            error = cls(*args)
        except Exception:  # its __init__ wants other arguments than those it has left in `args`
            error = cls.__new__(cls, *args)
            if isinstance(error, OSError):
                OSError.__init__(error, *args)
            else:
                error.args = args
    error.__dict__.update(state)
    for name, value in members.items():
        with suppress(Exception):  # whatever the class does
            setattr(error, name, value)
    return error


def _class(module: str, qualname: str) -> type[BaseException] | None:
    try:
        if module != "builtins":
            __import__(module)
        found: object = sys.modules.get(module, builtins)
        for name in qualname.split("."):
            found = getattr(found, name)
    except Exception:  # importing runs any code
        return None
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    return None
