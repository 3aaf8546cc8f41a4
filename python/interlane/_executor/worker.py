"""The part of a pool that runs in a worker's interpreter: takes tasks, calls, hands back what comes of it.

Every worker pays for what is imported here: nothing but what a call needs.
"""

import sys

from interlane import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from interlane import SendChannel

    # What `calls.encode` returns, positional arguments, and keyword arguments if there are any.
    type Call = tuple[bytes, tuple[object, ...]] | tuple[bytes, tuple[object, ...], dict[str, object]]

    # How the pool's `__main__` can be had here (path, module name), the initializer's call, and how many
    # tasks one worker does (0: any number).
    type Setup = tuple[tuple[str | None, str | None], Call | None, int]

# By their encoding. Emptied when something is bound anew that one of them may use.
_loaded: "dict[bytes, Callable[..., object]]" = {}
_MOST = 256

# What the pool's functions find as globals, by module; and how each name was encoded when it was bound.
_namespaces: "dict[str, dict[str, Any]]" = {}
_bound: dict[tuple[str, str], bytes] = {}

# Set while the pool's script is run to get at what it defines.
loading_script: list[str] = []


def serve(pool: int, setup_id: int, words_id: int, starts_id: int) -> None:
    """Does tasks until there are none left, or as many as one worker is to do."""
    with _core.RecvChannel.from_id(setup_id) as channel:
        setup: Setup = channel.recv(0)
    with _core.SendChannel.from_id(words_id) as words:
        main, initializer, limit = setup
        _stand_in_for_main(*main)
        if initializer is not None and not _initialized(initializer, words):
            return
        del setup, initializer
        worker = _core._task_worker(pool)  # noqa: SLF001  # ours
        words.send(("ready", None))
        with _core.SendChannel.from_id(starts_id) as starts:
            starts.send(None)
        words.send(("spent" if _work(worker, limit) else "done", None))
        worker.close()


def _initialized(call: "Call", words: "SendChannel[Any]") -> bool:
    try:
        _perform(call)
    except BaseException as error:
        _strip(error)
        words.send(("broken", error))
        return False
    return True


def _work(worker: "_core._TaskWorker", limit: int) -> bool:
    """Returns whether it has done as many tasks as it was to do."""
    take = worker.next
    while (call := take()) is not None:
        try:
            result = _perform(call)
        except BaseException as error:
            # Whatever it is, SystemExit too, it ends this task only.
            _strip(error)
            worker.failed(error)
        else:
            # First: what the arguments have shared is given back when the pool comes for the result.
            call = None
            try:
                worker.returned(result)
            except BaseException as error:
                worker.failed(error)
            del result
        del call
        limit -= 1
        if not limit:
            return True
    return False


def _perform(call: "Call") -> object:
    function = _loaded.get(call[0]) or load(call[0])
    return function(*call[1]) if len(call) == 2 else function(*call[1], **call[2])


def _strip(error: BaseException) -> None:
    """Takes the frames of this file off the traceback."""
    frames: TracebackType | None = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    error.__traceback__ = frames


def loaded(encoded: bytes) -> "Callable[..., object]":
    """Returns the function that `calls.encode` has made this of, the same one each time."""
    return _loaded.get(encoded) or load(encoded)


def load(encoded: bytes) -> "Callable[..., object]":
    """Returns the function that `calls.encode` has made this of."""
    from pickle import loads

    namespaces, function = loads(encoded)
    for module, names in namespaces.items():
        for name, value in names.items():
            if _bound.get((module, name)) != value:
                if (module, name) in _bound:
                    _loaded.clear()
                # Bound before it is loaded: functions may mention each other.
                _bound[module, name] = value
                _namespace(module)[name] = loads(value)
    if len(_loaded) >= _MOST:
        _loaded.clear()
    found = _loaded[encoded] = loads(function)
    return found  # type: ignore[no-any-return]  # what came out of a pickle


def make_function(  # noqa: PLR0917  # pickle passes them so
    module: str,
    code: bytes,
    name: str,
    qualname: str,
    defaults: "tuple[Any, ...] | None",
    kwdefaults: dict[str, object] | None,
) -> object:
    """Returns a function that came by code."""
    import marshal
    from types import FunctionType

    function = FunctionType(marshal.loads(code), _namespace(module), name, defaults)
    function.__kwdefaults__ = kwdefaults
    function.__qualname__ = qualname
    function.__module__ = module
    return function


def _namespace(module: str) -> "dict[str, Any]":
    if module == "__main__":
        return vars(sys.modules["__main__"])
    import builtins

    return _namespaces.setdefault(module, {"__name__": module, "__builtins__": builtins})


def call_chunk(encoded: bytes, chunk: "list[tuple[Any, ...]]") -> tuple[list[object], BaseException | None]:
    """Returns the results for several calls, up to the first one that raises, and what that raised."""
    results: list[object] = []
    try:
        function = loaded(encoded)
        # As with any other task, nothing is left out when a class has a strange `__iter__`.
        for args in chunk:
            results.append(function(*args))  # noqa: PERF401  # what there is when one raises counts
    except BaseException as error:
        _strip(error)
        return results, error
    return results, None


def call_method(obj: "Any", name: str, *args: object, **kwargs: object) -> object:
    """Calls a method of an object that came as an argument."""
    return getattr(obj, name)(*args, **kwargs)


def call_object(obj: "Any", *args: object, **kwargs: object) -> object:
    """Calls an object that came as an argument."""
    return obj(*args, **kwargs)


def _stand_in_for_main(path: str | None, module: str | None) -> None:
    """Has the names of the pool's script looked up here, which runs it, as a module, when that is needed.

    It then is `__mp_main__`, as with multiprocessing: `if __name__ == "__main__"` holds back its main part.
    """
    main = sys.modules["__main__"]
    sys.modules["__mp_main__"] = main

    def lookup(name: str) -> object:
        if name.startswith("__") or loading_script:
            raise AttributeError(f"module '__main__' has no attribute {name!r}")
        if path is None and module is None:
            raise AttributeError(
                f"{name!r} is defined in a __main__ that is not a file, which workers cannot import: "
                "put it into a module"
            )
        if "__getattr__" in vars(main):
            del vars(main)["__getattr__"]
            _run_script(path, module)
        if name not in vars(main):
            raise AttributeError(
                f"{name!r} is not defined when {path or module} is imported: it may be behind "
                "'if __name__ == \"__main__\"'"
            )
        return vars(main)[name]

    vars(main)["__getattr__"] = lookup


def _run_script(path: str | None, module: str | None) -> None:
    names = vars(sys.modules["__main__"])
    before = dict(names)
    loading_script.append(path or module or "")
    try:
        names["__name__"] = "__mp_main__"
        if module is not None:
            from importlib.util import find_spec

            spec = find_spec(module)
            loader: Any = spec and spec.loader  # those that find it have `get_code`
            code: Any = loader.get_code(module) if loader else None
            names["__package__"] = module.rpartition(".")[0]
            names["__spec__"] = spec
            if spec is not None and spec.origin:
                names["__file__"] = spec.origin
        else:
            assert path is not None
            with open(path, "rb") as file:  # noqa: PTH123  # pathlib is slow to import
                code = compile(file.read(), path, "exec", dont_inherit=True)
            names["__file__"] = path
        exec(code, names)
    except BaseException:
        names.clear()
        names.update(before)
        raise
    finally:
        loading_script.clear()
    # What an initializer has set, for one, is newer than what the script begins with.
    names.update({name: value for name, value in before.items() if not name.startswith("__")})
