"""`proxy`: an object that stays where it is, used from everywhere."""

import operator
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any, final

from interlane import _core
from interlane._core import SendChannel

__all__ = ["Proxy", "do", "local", "proxy"]


def _call(obj: Any, *args: Any, **kwargs: Any) -> Any:
    return obj(*args, **kwargs)


def _start(obj: Any, end: SendChannel[None]) -> Any:
    from interlane._awaiting import Running

    return Running(obj, end)


def _method(name: str, reflected: str | None = None) -> Callable[[Any, Any], Any]:
    """Returns one method of an operator, and not the operator: that would ask the other operand in turn.

    With two proxies Python asks the first one only, so the other one's `reflected` operation is asked here.
    """

    def operation(obj: Any, other: Any) -> Any:
        method = getattr(type(obj), name, None)
        result = NotImplemented if method is None else method(obj, other)
        if result is NotImplemented and reflected is not None and type(other) is Proxy:
            return do(other, reflected, obj)
        return result

    return operation


# What can be asked for, by name. All else is refused, so that a bug here cannot become any call.
_OPERATIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (getattr, setattr, delattr, dir, repr, str, len, iter, next, hash, bool, int, float)
} | {
    "call": _call,
    "start": _start,
    "cancel": lambda running: running.cancel(),
    "result": lambda running: running.result(),
    "complex": complex,
    "round": round,
    "format": format,
    "reversed": reversed,
    "bytes": bytes,
    "contains": operator.contains,
    "index": operator.index,
    "enter": lambda obj: type(obj).__enter__(obj),
    "exit": lambda obj, *exc: type(obj).__exit__(obj, *exc),
    "aiter": aiter,
    "anext": lambda obj: type(obj).__anext__(obj),
    "aenter": lambda obj: type(obj).__aenter__(obj),
    "aexit": lambda obj, *exc: type(obj).__aexit__(obj, *exc),
}
_BINARY = "add sub mul truediv floordiv mod divmod pow matmul lshift rshift and or xor".split()  # noqa: SIM905
_COMPARISONS = {"lt": "gt", "le": "ge", "eq": "eq", "ne": "ne", "gt": "lt", "ge": "le"}
_UNARY = ("neg", "pos", "abs", "invert")
for _name in (*_UNARY, "getitem", "setitem", "delitem"):
    _OPERATIONS[_name] = getattr(operator, _name)
for _name in _BINARY:
    _OPERATIONS[_name] = _method(f"__{_name}__", "r" + _name)
    _OPERATIONS["r" + _name] = _method(f"__r{_name}__")
    _OPERATIONS["i" + _name] = _method(f"__i{_name}__")
for _name, _swapped in _COMPARISONS.items():
    _OPERATIONS[_name] = _method(f"__{_name}__", _swapped + " only")
    _OPERATIONS[_name + " only"] = _method(f"__{_name}__")


def serve(obj: Any, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Performs an operation; runs in the owner of the object."""
    result = _OPERATIONS[operation](obj, *map(local, args), **{k: local(v) for k, v in kwargs.items()})
    # What an operation in place returns is most often the object itself.
    return _SAME if result is obj and operation[0] == "i" and operation[1:] in _BINARY else result


_SAME = "interlane: the proxied object itself"


def local(value: Any) -> Any:
    """Takes the proxy off an object that has come home."""
    if type(value) is not Proxy:
        return value
    original = _remote(value).local()
    return value if original is None else original


def _remote(value: "Proxy") -> "_core._Remote":
    return object.__getattribute__(value, "_remote")


def do(value: "Proxy", operation: str, /, *args: Any, **kwargs: Any) -> Any:
    return local(_remote(value).perform(operation, args, kwargs))


@final
class Proxy:
    """Stands for an object that lives in another interpreter: whatever is done with it is done there.

    Attributes, calls, operators, iteration, `with`, `len`, `in` and so on run in the interpreter that owns
    the object, on the calling thread, under its GIL. Arguments and results are shared as in a channel;
    what cannot be shared goes as a proxy in turn. Exceptions come back. After the owner's end everything
    raises `OwnerGoneError`. What is awaited runs in an event loop of the owner, and this one's goes on.

    The object lives as long as any proxy of it. `isinstance` sees a `Proxy`; a proxy equals what its object
    equals.
    """

    __slots__ = ("__weakref__", "_remote")

    def __init__(self, remote: "_core._Remote") -> None:
        object.__setattr__(self, "_remote", remote)

    def __share__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Proxy, (_remote(self),)

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("a proxy cannot be pickled: send it through a channel")

    def __getattribute__(self, name: str) -> Any:
        if name in {"__class__", "__reduce_ex__"}:
            return object.__getattribute__(self, name)
        return do(self, "getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        do(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        do(self, "delattr", name)

    def __dir__(self) -> list[str]:
        return do(self, "dir")

    def __repr__(self) -> str:
        remote = _remote(self)
        try:
            shown = do(self, "repr")
        except Exception as error:  # a repr must not fail
            shown = f"{remote.kind}: {type(error).__name__}"
        return f"<Proxy of {shown} in interpreter {remote.owner}>"

    def __str__(self) -> str:
        return do(self, "str")

    def __format__(self, spec: str) -> str:
        return do(self, "format", spec)

    def __bytes__(self) -> bytes:
        return do(self, "bytes")

    def __hash__(self) -> int:
        return do(self, "hash")

    def __bool__(self) -> bool:
        return do(self, "bool")

    def __int__(self) -> int:
        return do(self, "int")

    def __float__(self) -> float:
        return do(self, "float")

    def __complex__(self) -> complex:
        return do(self, "complex")

    def __index__(self) -> int:
        return do(self, "index")

    def __round__(self, digits: int | None = None) -> Any:
        return do(self, "round", digits)

    def __len__(self) -> int:
        return do(self, "len")

    def __contains__(self, item: object) -> bool:
        return do(self, "contains", item)

    def __getitem__(self, key: Any) -> Any:
        return do(self, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        do(self, "setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        do(self, "delitem", key)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return do(self, "call", *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        return do(self, "iter")

    def __next__(self) -> Any:
        return do(self, "next")

    def __reversed__(self) -> Iterator[Any]:
        return do(self, "reversed")

    def __enter__(self) -> Any:
        return do(self, "enter")

    def __exit__(self, *exc: object) -> Any:
        return do(self, "exit", *exc)

    def __await__(self) -> Generator[Any, Any, Any]:
        from interlane._awaiting import outcome

        return outcome(self).__await__()

    def __aiter__(self) -> Any:
        return do(self, "aiter")

    def __anext__(self) -> Any:
        return do(self, "anext")

    def __aenter__(self) -> Any:
        return do(self, "aenter")

    def __aexit__(self, *exc: object) -> Any:
        return do(self, "aexit", *exc)


def _binary(operation: str) -> Callable[[Proxy, Any], Any]:
    def method(self: Proxy, other: Any) -> Any:
        return do(self, operation, other)

    return method


def _in_place(operation: str) -> Callable[[Proxy, Any], Any]:
    def method(self: Proxy, other: Any) -> Any:
        result = do(self, operation, other)
        return self if result == _SAME else result

    return method


def _unary(operation: str) -> Callable[[Proxy], Any]:
    def method(self: Proxy) -> Any:
        return do(self, operation)

    return method


for _name in _BINARY:
    setattr(Proxy, f"__{_name}__", _binary(_name))
    setattr(Proxy, f"__r{_name}__", _binary("r" + _name))
    setattr(Proxy, f"__i{_name}__", _in_place("i" + _name))
for _name in _COMPARISONS:
    setattr(Proxy, f"__{_name}__", _binary(_name))
for _name in _UNARY:
    setattr(Proxy, f"__{_name}__", _unary(_name))
Proxy.__module__ = "interlane"
_core._carry(Proxy)  # noqa: SLF001 - ours


def proxy(obj: Any) -> Any:
    r"""Returns a `Proxy` of the object, which can be sent to any interpreter and used there.

    The object stays where it is; nothing of it is copied. Useful for what cannot be shared otherwise: an open
    file, a callback, a logger, a database connection.

        send.send(interlane.proxy(sys.stdout))      # elsewhere: recv.recv().write("hello\n")
    """
    if type(obj) is Proxy:
        return obj
    if "asyncio" in sys.modules:
        from interlane._home_loop import note

        note()
    return Proxy(_core._remote(obj))  # noqa: SLF001 - ours
