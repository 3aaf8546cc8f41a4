"""How values of the standard library's classes, and of people's data classes, are built again elsewhere."""

import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType
from typing import Any

# Exact classes of these modules say by `__reduce_ex__` how they are built, and need nothing but that.
_REDUCED = {"datetime", "decimal", "fractions", "uuid", "pathlib", "pathlib._local", "zoneinfo", "ipaddress"}

type Recipe = tuple[Callable[..., object], tuple[object, ...]]


def recipe(obj: Any, may_be_of_main: bool) -> Recipe | None:
    """Returns a rebuild function and its parts, or None for what is not known here.

    Each interpreter has a `__main__` of its own, so there may be a better way for what is defined there.
    """
    cls = type(obj)
    if not may_be_of_main and "__main__" in (cls.__module__, getattr(obj, "__module__", None)):
        return None
    if isinstance(obj, type | FunctionType | BuiltinFunctionType):
        found = _found(obj.__module__, obj.__qualname__)
        return (named, (obj.__module__, obj.__qualname__)) if found is obj else None
    if cls.__module__ in _REDUCED:
        return _reduced(obj)
    if isinstance(obj, tuple) and isinstance(getattr(cls, "_fields", None), tuple) and hasattr(cls, "_make"):
        return named_tuple, (cls, *obj)
    if hasattr(cls, "__dataclass_fields__"):
        names = [name for name in cls.__dataclass_fields__ if hasattr(obj, name)]
        return data_class, (cls, tuple(names), *(getattr(obj, name) for name in names))
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(obj, enum.Enum):
        return member, (cls, obj.name if obj.name in cls.__members__ else None, obj.value)
    return None


def named(module: str, qualname: str) -> object:
    """Returns what is found in a module under this name."""
    __import__(module)
    found: object = sys.modules[module]
    for name in qualname.split("."):
        found = getattr(found, name)
    return found


def named_tuple(cls: Any, *items: object) -> object:
    """Returns a named tuple of these items, without calling what its class may do about them."""
    return tuple.__new__(cls, items)


def data_class(cls: Any, names: tuple[str, ...], *values: object) -> object:
    """Returns an instance of a data class with these fields, without calling its `__init__`."""
    obj: object = cls.__new__(cls)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(obj, name, value)
    return obj


def member(cls: Any, name: str | None, value: object) -> object:
    """Returns the member of an enumeration; without a name it is a combination of flags."""
    return cls(value) if name is None else cls[name]


def with_state(function: Callable[..., object], arguments: tuple[object, ...], state: Any) -> object:
    """Returns what the function makes of the arguments, with the state that pickle would give it."""
    obj: Any = function(*arguments)
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return obj
    state, slots = state if isinstance(state, tuple) else (state, None)
    for attributes in (state, slots):
        for name, value in (attributes or {}).items():
            object.__setattr__(obj, name, value)
    return obj


def _found(module: str | None, qualname: str) -> object:
    found: object = sys.modules.get(module or "")
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def _reduced(obj: Any) -> Recipe | None:
    reduced = obj.__reduce_ex__(4)
    if isinstance(reduced, str):
        return None
    function, arguments, *rest = reduced
    if any(part is not None for part in rest[1:]):
        return None
    if rest and rest[0] is not None:
        return with_state, (function, arguments, rest[0])
    return function, arguments
