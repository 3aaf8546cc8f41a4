"""The part that runs in the other interpreter.

It is loaded there as `_interlane_remote`, on its own and without importing interlane: `exec` needs nothing
else. What went wrong goes back as the text of an `Outcome`, a tuple literal: the only thing that gets through
both versions' private modules unharmed. (A `__str__` that raises crashes 3.13 when it makes its own summary.)
"""

import marshal
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, ModuleType, TracebackType
from typing import Any

FAKE_MAIN = "<fake __main__>"


class Outcome(BaseException):
    """Carries what happened back to the caller."""


def execute(code: bytes) -> None:
    """Runs marshalled code in `__main__`."""
    failed = None
    try:
        exec(marshal.loads(code), _main())
    except BaseException as error:  # SystemExit and KeyboardInterrupt are reported as well
        failed = _failed(error)
    if failed:
        raise Outcome(failed)


def bind(channel: int, location: str, path: str | None) -> None:
    """Receives a dict and updates `__main__` with it."""
    receiver = _interlane(location).RecvChannel.from_id(channel)
    failed = None
    try:
        values = _with_names_of(path, receiver.recv)
    except Exception as error:  # whatever a class does when it is rebuilt
        values, failed = {}, _unshareable("values cannot be rebuilt", error)
    finally:
        receiver.close()
    if failed:
        raise Outcome(failed)
    _main().update(values)


def call(channel: int, location: str, path: str | None) -> None:
    """Receives a recipe and arguments, calls, and sends the result through the same channel."""
    interlane = _interlane(location)
    receiver = interlane.RecvChannel.from_id(channel)
    sender = interlane.SendChannel.from_id(channel)
    try:
        failed = _call(receiver, sender, path)
    finally:
        receiver.close()
        sender.close()
    if failed:
        raise Outcome(failed)


def _call(receiver: Any, sender: Any, path: str | None) -> str | None:
    try:
        target = _rebuild(*_with_names_of(path, receiver.recv))
        args, kwargs = _with_names_of(path, receiver.recv)
    except Exception as error:  # importing runs any code
        return _unshareable("callable or arguments cannot be rebuilt", error)
    try:
        result = target(*args, **kwargs)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are reported as well
        return _failed(error)
    try:
        sender.send(result)
    except Exception as error:  # pickling runs any code
        return _unshareable("result cannot be shared", error)
    return None


def _rebuild(kind: str, *parts: Any) -> Any:
    if kind == "object":
        return parts[0]
    if kind == "code":
        return _function(*parts)
    if kind == "name":
        module, qualname, function = parts
        try:
            return _named(_import(module), qualname)
        except ImportError:
            if function is None:
                raise
            return _function(function)
    qualname, path, function, names = parts
    # Only a function has code to run against what `__main__` has here; a class has not.
    if function is not None and (path is None or all(name in _main() for name in names)):
        return _function(function)
    if path is None:
        raise AttributeError(f"{qualname} is defined in a __main__ that is not a file")
    return _named(_fake_main(path), qualname)


def _function(parts: tuple[bytes, str, str, str, Any, Mapping[str, object] | None]) -> FunctionType:
    code, name, qualname, module, defaults, kwdefaults = parts
    loaded = marshal.loads(code)
    assert isinstance(loaded, CodeType)
    function = FunctionType(loaded, _main(), name, defaults)
    function.__kwdefaults__ = dict(kwdefaults) if kwdefaults else None
    function.__qualname__ = qualname
    function.__module__ = module
    return function


def _named(found: object, qualname: str) -> Any:
    for name in qualname.split("."):
        found = getattr(found, name)
    return found


def _import(name: str) -> ModuleType:
    __import__(name)
    return sys.modules[name]


def _with_names_of(path: str | None, receive: Callable[..., Any]) -> Any:
    """Receives while `__main__` also has the names of the creator's script: pickles mention them."""
    main = _main()
    if path is None or "__getattr__" in main:
        return receive(timeout=0)

    def lookup(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_fake_main(path), name)

    main["__getattr__"] = lookup
    try:
        return receive(timeout=0)
    finally:
        del main["__getattr__"]


def _fake_main(path: str) -> ModuleType:
    """Runs the creator's script once, as a module: `if __name__ == "__main__"` holds back its main part."""
    module = sys.modules.get(FAKE_MAIN)
    if module is None:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib is slow to import
            code = compile(file.read(), path, "exec", dont_inherit=True)
        module = ModuleType(FAKE_MAIN)
        module.__file__ = path
        sys.modules[FAKE_MAIN] = module
        try:
            exec(code, module.__dict__)
        except BaseException:
            del sys.modules[FAKE_MAIN]
            raise
    return module


def _main() -> dict[str, Any]:
    return sys.modules["__main__"].__dict__


def _interlane(location: str) -> Any:
    try:
        import interlane
    except ModuleNotFoundError as error:
        if error.name != "interlane":
            raise
        # The creator found it through a `sys.path` of its own, changed at run time.
        sys.path.append(location)
        import interlane
    return interlane


def _failed(error: BaseException) -> str:
    cls = type(error)
    message = _message(error)
    name = cls.__qualname__
    if cls.__module__ not in ("builtins", "__main__"):
        name = f"{cls.__module__}.{name}"
    fields = (cls.__name__, cls.__qualname__, cls.__module__, message, f"{name}: {message}", _display(error))
    return ascii(("failed", *fields))


def _unshareable(what: str, error: Exception) -> str:
    return ascii(("unshareable", f"{what}: {type(error).__name__}: {_message(error)}"))


def _message(error: BaseException) -> str:
    try:
        # An exact str: a subclass could print itself as anything.
        return str.__str__(str(error))
    except BaseException:  # `__str__` may do anything
        return "<exception str() failed>"


def _display(error: BaseException) -> str:
    traceback: TracebackType | None = error.__traceback__
    while traceback and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    try:
        from traceback import TracebackException

        summary = TracebackException(type(error), error, traceback)
        return "".join(summary.format()).rstrip("\n")
    except BaseException:  # the report must not fail for want of its last part
        return ""
