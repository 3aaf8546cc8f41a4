"""Finds MODULE:FUNCTION, and what it wants to be called with."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from types import UnionType
from typing import get_args

from interlane.cli.worker import load

KINDS = ("str", "bytes", "memoryview")

_TYPES: dict[object, str] = {str: "str", bytes: "bytes", memoryview: "memoryview"}


class FunctionError(Exception):
    """The function cannot be used; the text says why."""


def find(spec: str) -> tuple[str, str, str]:
    """Imports MODULE:FUNCTION. Returns the module, the function's name in it, and one of `KINDS` or "".

    Raises FunctionError.
    """
    module, colon, name = spec.partition(":")
    if not colon or not module or not name:
        raise FunctionError(f"{spec!r} is not of the form MODULE:FUNCTION")
    if module.endswith(".py") or os.sep in module:
        raise FunctionError(f"{module!r} is a file: give the name to import, as in 'package.module:{name}'")
    _look_here_first()
    function = _load(module, name)
    if not callable(function):
        raise FunctionError(f"'{module}:{name}' is not callable: {type(function).__name__}")
    if inspect.iscoroutinefunction(function):
        raise FunctionError(f"'{module}:{name}' is an async function: it has to return its result")
    return module, name, _takes(function, spec)


def _look_here_first() -> None:
    here = os.getcwd()  # noqa: PTH109
    if not sys.path or sys.path[0] not in {"", here}:
        sys.path.insert(0, here)


def _load(module: str, name: str) -> object:
    try:
        return load(module, name)
    except ModuleNotFoundError as error:
        # Its own name or a parent's; otherwise the module is there, and an import in it fails.
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise FunctionError(f"there is no module {error.name!r}") from None
        raise _import_failed(module, error) from None
    except AttributeError as error:
        if module in sys.modules and error.obj is not None and error.__traceback__ is not None:
            inner = error.__traceback__.tb_next
            if inner is not None and inner.tb_next is None:
                raise FunctionError(f"module {module!r} has no {name!r}") from None
        raise _import_failed(module, error) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _import_failed(module, error) from None


def _import_failed(module: str, error: BaseException) -> FunctionError:
    frames = error.__traceback__
    # From the module's own code on.
    while (
        frames is not None
        and frames.tb_next is not None
        and _is_machinery(frames.tb_frame.f_code.co_filename)
    ):
        frames = frames.tb_next
    if frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = None
    text = "".join(traceback.format_exception(type(error), error, frames)).rstrip()
    return FunctionError(f"importing {module!r} failed\n{text}")


def _is_machinery(filename: str) -> bool:
    return filename.startswith("<frozen importlib") or filename in {__file__, load.__code__.co_filename}


def _takes(function: object, spec: str) -> str:
    """Reads the annotation of the first parameter. Raises FunctionError for one that takes no parameter."""
    assert callable(function)
    try:
        if sys.version_info >= (3, 14):
            import annotationlib

            signature = inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
        else:
            signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Many built-ins have none.
        return ""
    try:
        bound = signature.bind("")
    except TypeError as error:
        raise FunctionError(f"{spec!r} cannot be called with one argument: {error}") from None
    parameter = signature.parameters[next(iter(bound.arguments))]
    return _kind(parameter.annotation)


def _kind(annotation: object) -> str:
    if isinstance(annotation, UnionType):
        options: list[object] = list(get_args(annotation))
    elif isinstance(annotation, str):
        # Written so, or made so by `from __future__ import annotations`.
        options = [option.strip(" '\"") for option in annotation.split("|")]
    else:
        options = [annotation]
    kinds = [_TYPES.get(option, option) if not isinstance(option, str) else option for option in options]
    return next((kind for kind in KINDS if kind in kinds), "")
