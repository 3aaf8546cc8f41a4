"""Exceptions on their way: taken apart in the interpreter that raised them, put together in another one."""

import builtins
import sys

from interlane import _core
from interlane._errors import RemoteError

type Record = tuple[str, str, tuple[object, ...], dict[str, object], str, str, int | None, int | None, bool]


class RemoteTraceback(Exception):  # noqa: N818  # as in concurrent.futures, where people know it from
    """Stands, as the cause, for the traceback of an exception that came from another interpreter."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def take_apart(error: BaseException) -> tuple[object, tuple[object, ...]]:
    """Returns the rebuild function and its parts: a record for the error and each one it is chained to."""
    chain = [error]
    for member in chain:
        for other in (member.__cause__, member.__context__):
            if other is not None and not any(other is known for known in chain):
                chain.append(other)

    def number(other: BaseException | None) -> int | None:
        return next((n for n, member in enumerate(chain) if member is other), None)

    records = []
    for member in chain:
        cls = type(member)
        state = {name: _plain(value) for name, value in vars(member).items()}
        records.append(
            (
                cls.__module__,
                cls.__qualname__,
                tuple(_plain(arg) for arg in member.args),
                state,
                _text(member),
                _formatted(member),
                number(member.__cause__),
                number(member.__context__),
                member.__suppress_context__,
            )
        )
    return put_together, tuple(records)


def put_together(*records: Record) -> BaseException:
    """Returns the exception of the first record, chained to those of the others."""
    errors = [_rebuilt(record) for record in records]
    for error, (*_, traceback, cause, context, suppress) in zip(errors, records, strict=True):
        error.__cause__ = None if cause is None else errors[cause]
        error.__context__ = None if context is None else errors[context]
        if cause is None and traceback:
            error.__cause__ = RemoteTraceback(traceback)
        error.__suppress_context__ = suppress
    return errors[0]


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
    """Returns the error with its own traceback only; those of others are their own records."""
    remote = error.__cause__
    if isinstance(remote, RemoteTraceback):
        return remote.text  # it has travelled before
    try:
        from traceback import TracebackException

        return "".join(
            TracebackException(type(error), error, error.__traceback__, compact=True).format(chain=False)
        )
    except Exception:  # the report must not fail for want of its last part
        return ""


def _rebuilt(record: Record) -> BaseException:
    module, qualname, args, state, text, *_ = record
    cls = _class(module, qualname)
    if cls is None:
        error: BaseException = RemoteError(f"{module}.{qualname}: {text}")
    else:
        try:
            error = cls(*args)
        except Exception:  # its __init__ wants other arguments than those it has left in `args`
            error = cls.__new__(cls, *args)
            error.args = args
    error.__dict__.update(state)
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
