"""How a callable travels: as a plain tuple from which `remote.rebuild` gets it back.

* `("name", module, qualname, function or None)`: imported there; the function's code is used if that fails
* `("code", function)`: by code, with the target's `__main__` as globals
* `("main", qualname or None, path or None, function or None, names)`: out of our `__main__`. By code when the
  target's `__main__` has the `names` it needs, else out of the script at `path`, loaded under another name
* `("object", callable)`: anything else, as a value

where function is `(marshalled code, name, qualname, module, defaults, keyword defaults)`.
"""

import builtins
import marshal
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType

from interlane._interpreters.errors import unshareable
from interlane._interpreters.script import global_names

type Function = tuple[bytes, str, str, str, object, object]


def recipe(target: Callable[..., object]) -> tuple[object, ...]:
    """Returns the recipe for a callable; raises NotShareableError that says why it cannot have one."""
    if isinstance(target, FunctionType):
        return _function_recipe(target)
    if isinstance(target, type | BuiltinFunctionType) and _is_found_by_name(target):
        if target.__module__ == "__main__":
            return ("main", target.__qualname__, main_path(), None, [])
        return ("name", target.__module__, target.__qualname__, None)
    return ("object", target)


def _function_recipe(function: FunctionType) -> tuple[object, ...]:
    module, qualname = function.__module__, function.__qualname__
    code = function.__code__
    # Names that are neither arguments nor built in, so that the code means something else elsewhere.
    names = sorted(name for name in global_names(code) if name in function.__globals__)
    by_code = None if code.co_freevars else _by_code(function)
    by_name = _is_found_by_name(function)
    if module == "__main__":
        path = main_path() if by_name else None
        if by_code or path:
            return ("main", qualname if path else None, path, by_code, names)
    elif by_name:
        return ("name", module, qualname, None if names else by_code)
    elif by_code and not names:
        return ("code", by_code)
    if by_code:
        reason = f"cannot be imported and needs the globals of {module}: {', '.join(names)}"
    else:
        reason = f"cannot be imported and has free variables: {', '.join(code.co_freevars)}"
    raise unshareable(f"function {qualname!r} {reason}")


def _by_code(function: FunctionType) -> Function:
    return (
        marshal.dumps(function.__code__),
        function.__name__,
        function.__qualname__,
        function.__module__,
        function.__defaults__,
        function.__kwdefaults__,
    )


def _is_found_by_name(target: type | FunctionType | BuiltinFunctionType) -> bool:
    found: object = sys.modules.get(target.__module__ or "", builtins)
    for name in target.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is target


def main_path() -> str | None:
    """Returns the script that this interpreter runs, if it is a file."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    return path if isinstance(path, str) else None
