"""Classes and functions of a `__main__` that is no file: of a REPL, of a notebook, of `python -c`.

Nobody else can import them, so a pickle that mentions one brings its definition along: by cloudpickle if that
is installed, else by the source that was typed in. A class is made once in each interpreter, from the first
of its definitions that comes, and is itself again where it was defined: each has a number there.
"""

from __future__ import annotations

import pickle
import sys
from itertools import count
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from interlane._executor.worker import loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The id of the interpreter that has defined a class, and a number there.
type Origin = tuple[int, int]

_next = count().__next__
_origins: WeakKeyDictionary[type, Origin] = WeakKeyDictionary()
_classes: WeakValueDictionary[Origin, type] = WeakValueDictionary()
# What our own classes were made of when they got their numbers, and their definitions.
_contents: WeakKeyDictionary[type, dict[str, Any]] = WeakKeyDictionary()
_definitions: WeakKeyDictionary[type, bytes] = WeakKeyDictionary()
# By what those were made that were made by their source.
_sources: WeakKeyDictionary[type, tuple[Any, ...]] = WeakKeyDictionary()
# Made, and not yet filled.
_empty: WeakSet[type] = WeakSet()


class Pickler(pickle.Pickler):
    """The standard one, which brings definitions along."""

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, (type, FunctionType)) or obj.__module__ != "__main__":
            return NotImplemented
        from interlane._executor.calls import encode

        if isinstance(obj, FunctionType):
            return loaded, (encode(obj),)
        origin = origin_of(obj)
        definition = _definitions.get(obj)
        if definition is None:
            definition = _definitions[obj] = encode(obj)
        return defined, (*origin, definition)


def origin_of(cls: type) -> Origin:
    """Returns by what others know the class. One of ours that was changed is a new one to them."""
    origin = _origins.get(cls)
    mine = _contents.get(cls)
    if origin is not None and (mine is None or _is_made_of(cls, mine)):
        return origin
    from interlane.interpreters import get_current

    _contents[cls] = _content(cls)
    _definitions.pop(cls, None)
    origin = get_current().id, _next()
    _note(origin, cls)
    return origin


def defined(home: int, number: int, definition: bytes) -> Any:
    """Returns the class, made of its definition if this interpreter has not met it."""
    return _classes.get((home, number)) or loaded(definition)


def skeleton(home: int, number: int, make: Callable[..., type], args: tuple[Any, ...]) -> type:
    """Returns the class as cloudpickle would make it, but once; `fill` does the rest."""
    cls = _classes.get((home, number))
    if cls is None:
        cls = make(*args)
        _note((home, number), cls)
        _empty.add(cls)
    return cls


def fill(cls: type, state: tuple[Callable[[type, Any], object], Any]) -> None:
    """Fills a class that `skeleton` has made."""
    if cls in _empty:
        put, content = state
        put(cls, content)
        _empty.discard(cls)


def by_source(cls: type) -> tuple[Any, ...] | None:
    """Returns the arguments of `from_source` for a class of our `__main__`; None if its source is nowhere."""
    known = _sources.get(cls)
    if known is not None:
        return known
    name = cls.__name__
    if getattr(sys.modules["__main__"], name, None) is not cls or cls.__qualname__ != name:
        return None
    import ast

    first = vars(cls).get("__firstlineno__")
    for file, lines in _typed_in():
        try:
            nodes = ast.parse("".join(lines)).body
        except SyntaxError:
            continue
        for node in reversed(nodes):
            if isinstance(node, ast.ClassDef) and node.name == name:
                start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first is None or first == start:
                    source = "".join(lines[start - 1 : node.end_lineno])
                    return (*origin_of(cls), name, source, file, start)
    return None


def from_source(  # noqa: PLR0917  # pickle passes them so
    home: int, number: int, name: str, source: str, file: str, line: int
) -> type:
    """Returns a class, made by its source in this interpreter's `__main__`, if that has not been done."""
    cls = _classes.get((home, number))
    if cls is None:
        space = vars(sys.modules["__main__"])
        exec(compile("\n" * (line - 1) + source, file, "exec", dont_inherit=True), space)
        cls = space[name]
        _note((home, number), cls)
        _sources[cls] = home, number, name, source, file, line
    return cls


def _note(origin: Origin, cls: type) -> None:
    _origins[cls] = origin
    _classes[origin] = cls


def _content(cls: type) -> dict[str, Any]:
    # (What is added by whoever reads the annotations, or pickles an instance, is no change.)
    passing = ("__annot", "__slotnames__")
    return {name: value for name, value in vars(cls).items() if not name.startswith(passing)}


def _is_made_of(cls: type, content: dict[str, Any]) -> bool:
    now = _content(cls)
    return now.keys() == content.keys() and all(now[name] is value for name, value in content.items())


def _typed_in() -> Iterator[tuple[str, list[str]]]:
    """Yields what was typed in here, as far as Python has kept it, the newest first: name and lines."""
    import linecache

    # By CPython's own REPL from 3.13 on; by IPython.
    kept = [*linecache.cache.values(), *getattr(linecache, "_interactive_cache", {}).values()]
    seen = set()
    for entry in reversed(kept):
        if len(entry) == 4 and entry[1] is None and id(entry[2]) not in seen:
            seen.add(id(entry[2]))
            yield entry[3], entry[2]
