"""Functions that others cannot import, taken apart and put together: by their code."""

import marshal
import sys
from types import CodeType, FunctionType


def by_code(function: FunctionType) -> tuple[object, tuple[object, ...]] | None:
    """Returns what makes an equal function elsewhere, and its parts; None where that needs free variables.

    It takes along its names, its defaults and its attributes. Its globals are those of its module there.
    """
    code = function.__code__
    if code.co_freevars:
        return None
    parts = (function.__defaults__, function.__kwdefaults__, function.__dict__)
    return of_code, ((function.__module__, function.__qualname__), marshal.dumps(code), *parts)


def of_code(
    name: tuple[str | None, str],
    marshalled: bytes,
    defaults: tuple[object, ...] | None,
    keywords: dict[str, object] | None,
    attributes: dict[str, object],
) -> FunctionType:
    """Returns the function of that name, if it has the same code here; else a new one."""
    module, qualname = name
    code: CodeType = marshal.loads(marshalled)
    found = _found(module, qualname)
    if isinstance(found, FunctionType) and found.__code__ == code:
        return found
    function = FunctionType(code, _namespace(module), code.co_name, defaults)
    function.__qualname__ = qualname
    function.__kwdefaults__ = keywords
    function.__dict__.update(attributes)
    return function


def _found(module: str | None, qualname: str) -> object:
    found: object = sys.modules.get(module or "")
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def _namespace(module: str | None) -> dict[str, object]:
    if module is not None:
        try:
            __import__(module)
            return vars(sys.modules[module])
        except Exception:  # whatever the module does; the function may need nothing of it
            return {"__name__": module, "__builtins__": __builtins__}
    return {"__builtins__": __builtins__}
