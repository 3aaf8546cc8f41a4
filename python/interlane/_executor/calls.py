"""How a callable travels to a worker: as `bytes`, made once for each function.

By name where a worker can import it. What is defined in `__main__`, or in a module that cannot be imported
elsewhere, goes by code, with those of its globals that it needs; what has free variables with cloudpickle, if
that is installed. Classes of a script go by name: the worker then runs the script, as a module. For those of
a REPL see `_definitions`.
"""

from __future__ import annotations

import functools
import importlib
import io
import marshal
import pickle
import sys
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from interlane import _definitions
from interlane._executor import worker
from interlane._interpreters.script import global_names
from interlane._not_shareable import NotShareableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from interlane._executor.worker import Call

# By module and name; under the name "" are all the globals that the module has.
type _Needed = dict[str, dict[str, Any]]

# Functions that were encoded, with the globals that they had then; a few at most are ever in use at once.
_known: dict[object, tuple[object, tuple[tuple[dict[str, Any], str, object], ...], bytes]] = {}
_MOST = 256
_MISSING = object()
_IMMUTABLE = (
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    FunctionType,
    ModuleType,
    type,
    BuiltinFunctionType,
)


class _NeedsHelp(Exception):  # noqa: N818  # never leaves this file
    """Only cloudpickle could send this."""


def make_call(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> Call:
    """Returns what a worker performs. Raises NotShareableError for a function that cannot get there.

    What a partial or a bound method holds becomes an argument, and is shared like one.
    """
    while type(function) is functools.partial:
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    if type(function) is MethodType:
        obj, name = function.__self__, function.__func__.__name__
        if getattr(obj, name, None) == function:
            args, function = (obj, name, *args), worker.call_method
        else:  # the class has it under another name
            args, function = (obj, *args), function.__func__
    if not isinstance(function, FunctionType | BuiltinFunctionType | type):
        if not callable(function):
            raise TypeError(f"{type(function).__name__!r} object is not callable")
        if not hasattr(function, "__wrapped__"):  # made by a decorator: by name, like what it wraps
            args, function = (function, *args), worker.call_object
    encoded = encode(function)
    return (encoded, args, kwargs) if kwargs else (encoded, args)


def encode(function: Any) -> bytes:
    """Returns the function, or class, for `worker.load`."""
    code = getattr(function, "__code__", None)
    try:
        known = _known.get(function)
    except TypeError:
        known = None
    if known is not None:
        known_code, values, encoded = known
        if known_code is code and all(space.get(name, _MISSING) is value for space, name, value in values):
            return encoded
    try:
        needed: _Needed = {}
        encoded_function = _dumps(function, needed)
        namespaces = _encoded_globals(needed)
    except _NeedsHelp as error:
        return encode_by_value(function, str(error))
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        raise NotShareableError(f"function {name!r} cannot be sent: {error}") from error
    encoded = pickle.dumps((namespaces, encoded_function), protocol=5)
    spaces = needed.values()
    values = tuple((space[""], name, value) for space in spaces for name, value in space.items() if name)
    if all(isinstance(value, _IMMUTABLE) for _, _, value in values) and _may_be_known(function):
        if len(_known) >= _MOST:
            _known.clear()
        _known[function] = code, values, encoded
    return encoded


def encode_by_value(function: Any, why: str = "it is sent by value") -> bytes:
    """Returns the function, or class, for `worker.load`, by cloudpickle. Raises NotShareableError."""
    return pickle.dumps(({}, _with_cloudpickle(function, why)), protocol=5)


def main_location() -> tuple[str | None, str | None]:
    """Returns how a worker gets at our `__main__`: the path of the script, or the module's name."""
    main = sys.modules["__main__"]
    if worker.loading_script:
        return None, None
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name == "_pyrepl.__main__":  # what 3.13.0's REPL leaves behind there
        return None, None
    if spec is not None and spec.name not in {"__main__", None}:
        return None, str(spec.name)
    path = getattr(main, "__file__", None)
    if isinstance(path, str) and Path(path).is_file():
        return str(Path(path).absolute()), None
    return None, None


def _may_be_known(function: Any) -> bool:
    if isinstance(function, BuiltinFunctionType):
        return isinstance(function.__self__, ModuleType)
    if not getattr(function, "__defaults__", None) and not getattr(function, "__kwdefaults__", None):
        return True
    # Defaults that may change go along with the code, and do not matter to a name.
    return isinstance(function, FunctionType) and is_importable(function)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, needed: _Needed, defining: object) -> None:
        super().__init__(file, protocol=5)
        self._needed = needed
        self._defining = defining

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType):
            return NotImplemented if is_importable(obj) else self._by_code(obj)
        if isinstance(obj, ModuleType):
            return importlib.import_module, (obj.__name__,)
        if isinstance(obj, type) and not is_importable(obj):
            if obj.__module__ == "__main__" and main_location() != (None, None):
                return NotImplemented
            if obj.__module__ != "builtins":  # such as NoneType, which pickle knows by itself
                return self._by_source(obj)
        return NotImplemented

    def _by_code(self, function: FunctionType) -> Any:
        code = function.__code__
        if code.co_freevars:
            names = ", ".join(code.co_freevars)
            raise _NeedsHelp(f"function {function.__qualname__!r} has free variables ({names})")
        module = function.__module__ or "__main__"
        space = self._needed.setdefault(module, {"": function.__globals__})
        for name in sorted(global_names(code)):
            if name in function.__globals__ and not name.startswith("__"):
                space[name] = function.__globals__[name]
        parts = (function.__name__, function.__qualname__, function.__defaults__, function.__kwdefaults__)
        return worker.make_function, (module, marshal.dumps(code), *parts)

    def _by_source(self, cls: type) -> Any:
        source = None if _has_cloudpickle() else _definitions.by_source(cls)
        if source is None:
            raise _NeedsHelp(f"class {cls.__qualname__!r} is defined where workers cannot import it")
        main = sys.modules["__main__"]
        space = self._needed.setdefault("__main__", {"": vars(main)})
        if cls is not self._defining:
            space[cls.__name__] = cls
            return getattr, (main, cls.__name__)
        for name in sorted(global_names(compile(source[3], "", "exec", dont_inherit=True))):
            if name != cls.__name__ and hasattr(main, name) and not name.startswith("__"):
                space[name] = getattr(main, name)
        return _definitions.from_source, source


def _dumps(obj: object, needed: _Needed, defining: object = None) -> bytes:
    file = io.BytesIO()
    _Pickler(file, needed, defining).dump(obj)
    return file.getvalue()


def _encoded_globals(needed: _Needed) -> dict[str, dict[str, bytes]]:
    """Encodes what is needed, and before it what that needs in turn, as a class its bases."""
    encoded: dict[str, dict[str, bytes]] = {}
    begun: set[tuple[str, str]] = set()

    def encode_all(some: _Needed) -> None:
        for module, space in some.items():
            everything = needed.setdefault(module, {"": space[""]})
            for name, value in space.items():
                if not name or (module, name) in begun:
                    continue
                begun.add((module, name))
                everything[name] = value
                more: _Needed = {}
                try:
                    definition = _dumps(value, more, defining=value)
                except _NeedsHelp:
                    raise
                except Exception as error:
                    error.add_note(f"when encoding the global {name!r} of {module}")
                    raise
                encode_all(more)
                encoded.setdefault(module, {})[name] = definition

    encode_all({module: dict(space) for module, space in needed.items()})
    return encoded


def is_importable(obj: Any) -> bool:
    """Tells whether a worker finds this very object by its module and name."""
    module, found = obj.__module__, sys.modules.get(obj.__module__ or "")
    if module == "__main__" or found is None or not _is_found_elsewhere(module):
        return False
    for name in obj.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is obj


@functools.lru_cache(maxsize=1024)
def _is_found_elsewhere(name: str) -> bool:
    """Tells whether importing the module elsewhere, with the same `sys.path`, gives what we have here."""
    module = sys.modules[name]
    origin = getattr(module, "__file__", None)
    if origin is None:
        return name in sys.builtin_module_names or getattr(module, "__spec__", None) is not None
    parent = name.rpartition(".")[0]
    try:
        path = sys.modules[parent].__path__ if parent else None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, None)
            if spec is not None:
                return spec.origin is not None and Path(spec.origin).samefile(origin)
    except Exception:  # finders may be anybody's
        return False
    return False


def _has_cloudpickle() -> bool:
    try:
        import cloudpickle  # noqa: F401
    except ImportError:
        return False
    return True


def _with_cloudpickle(function: Any, why: str) -> bytes:
    if not _has_cloudpickle():
        raise NotShareableError(
            f"{why}: it cannot be sent to a worker unless cloudpickle is installed (pip install cloudpickle)"
        )
    import cloudpickle

    from interlane._executor import by_value

    module = sys.modules.get(getattr(function, "__module__", None) or "")
    is_hidden = (
        module is not None and module.__name__ != "__main__" and not _is_found_elsewhere(module.__name__)
    )
    if is_hidden:
        cloudpickle.register_pickle_by_value(module)
    try:
        encoded = by_value.dumps(function)
    except Exception as error:
        raise NotShareableError(f"{why}, and cloudpickle cannot send it: {error}") from error
    finally:
        if is_hidden:
            cloudpickle.unregister_pickle_by_value(module)
    return encoded
