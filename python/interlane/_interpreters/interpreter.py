"""The `Interpreter` class and the functions that return one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any, Self, final
from weakref import WeakValueDictionary

from interlane._interpreters import primitives
from interlane._interpreters.closing import close_at_exit, stay_if_ending
from interlane._interpreters.errors import InterpreterError, InterpreterNotFoundError, error_from
from interlane._interpreters.script import equip, invoke, marshalled
from interlane._interpreters.transport import send_call, send_values


@final
class Interpreter:
    """A Python interpreter; there is one object for each id.

    `Interpreter(id)` stands for one that exists, and raises InterpreterNotFoundError if there is none. One
    made by `create` ends with `close()`, or when nobody refers to it any more. The others, the main one above
    all, can be looked at but not changed.
    """

    __slots__ = ("_id", "_whence", "_reference", "_lock", "_uses", "_closing", "_equipped", "__weakref__")

    _id: int
    _whence: str
    _reference: primitives.Reference | None
    _lock: Lock
    _uses: int
    _closing: bool
    _equipped: bool

    def __new__(cls, number: int, /) -> Self:
        if not isinstance(number, int):
            raise TypeError(f"id must be an int, got {number!r}")
        if number < 0:
            raise ValueError(f"interpreter ID must be a non-negative int, got {number}")
        return _known_or_new(cls, int(number), None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._id})"

    def __hash__(self) -> int:
        return hash(self._id)

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        return type(self), (self._id,)

    @property
    def id(self) -> int:
        """The number of the interpreter, never used again in this process."""
        return self._id

    @property
    def whence(self) -> str:
        """Who created the interpreter, in words."""
        return self._whence

    def is_running(self) -> bool:
        """Returns whether code is running in the interpreter's `__main__`.

        Threads that it has started and left behind do not count.
        """
        return primitives.is_running(self._id)

    def close(self) -> None:
        """Ends the interpreter; any thread may do it. Waits for the threads that were started in it.

        Raises InterpreterError while code is running in it, and InterpreterNotFoundError when it has ended.
        """
        self._require_ours("destroy")
        with self._lock:
            if self._closing:
                raise InterpreterNotFoundError(f"unrecognized interpreter ID {self._id}")
            if self._uses:
                raise InterpreterError("interpreter running")
            self._closing = True
        try:
            primitives.destroy(self._id)
        except InterpreterNotFoundError:
            raise
        except BaseException:
            self._closing = False
            raise

    def prepare_main(self, ns: Mapping[str, object] | None = None, /, **kwargs: object) -> None:
        """Binds values in the interpreter's `__main__`. They arrive as through a channel, or pickled.

        Raises NotShareableError, and binds nothing, if one of them cannot be sent.
        """
        values = {**dict(ns or {}), **kwargs}
        for name in values:
            if not isinstance(name, str):
                raise TypeError(f"names must be str, got {name!r}")
        with self._in_use("update __main__ for"):
            send_values(self._run, values)

    def exec(self, code: object, /) -> None:
        """Runs source, a code object, or a function without arguments in `__main__`, and waits for it.

        Raises ExecutionFailed for what the code does not catch, and SyntaxError before anything has run.
        """
        script = marshalled(code)
        with self._in_use("exec code for"):
            self._run(invoke("execute", script))

    def call[R](self, target: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
        """Calls in the interpreter, waits, and returns the result. Values travel as in `prepare_main`.

        Functions are imported there by name. Those of our `__main__` go by code and see the globals of the
        interpreter's `__main__`, or, if these are not enough, those of our script, which is loaded there once
        under another name.

        Raises ExecutionFailed if the call raises, NotShareableError if something cannot get there or back.
        """
        result: R = self._call(target, args, kwargs)
        return result

    def call_in_thread(self, target: Callable[..., object], /, *args: Any, **kwargs: Any) -> Thread:
        """Returns a new, started thread that does `call`. Its result is discarded."""
        thread = Thread(target=self._call, args=(target, args, kwargs))
        thread.start()
        return thread

    def _call(self, target: Any, args: tuple[object, ...], kwargs: dict[str, object]) -> Any:
        if not callable(target):
            raise TypeError(f"expected a callable, got {target!r}")
        with self._in_use("make a call in"):
            return send_call(self._run, target, args, kwargs)

    def _run(self, script: str) -> None:
        if not self._equipped:
            raised = primitives.run(self._id, equip())
            if raised is not None:
                raise InterpreterError(raised)
            self._equipped = True
        raised = primitives.run(self._id, script)
        if raised is not None:
            raise error_from(raised)

    def _require_ours(self, action: str) -> None:
        if self._whence != primitives.MODULE:
            raise InterpreterError(f"cannot {action} unrecognized interpreter {self._id}")

    @contextmanager
    def _in_use(self, action: str) -> Iterator[None]:
        """Keeps `close` from ending the interpreter between now and the first line that runs in it."""
        self._require_ours(action)
        with self._lock:
            if self._closing:
                raise InterpreterNotFoundError(f"unrecognized interpreter ID {self._id}")
            self._uses += 1
        try:
            yield
        finally:
            with self._lock:
                self._uses -= 1
            stay_if_ending()

    def _release(self) -> None:
        self._reference = None


# No object in here may have a `__del__`: while that runs, another thread may still get the object from here.
_known: WeakValueDictionary[int, Interpreter] = WeakValueDictionary()
_known_lock = Lock()


def _known_or_new(cls: type[Interpreter], number: int, reference: primitives.Reference | None) -> Interpreter:
    with _known_lock:
        whence = primitives.origin(number)
        self = _known.get(number)
        if self is not None:
            if reference is not None:
                # `list_all` in another thread was faster, and may have met it before it was complete.
                self._whence = whence
                self._reference = reference
            return self
        if reference is None and whence == primitives.MODULE and number != primitives.current():
            # (One that refers to itself would never end.)
            reference = primitives.Reference(number)
        self = object.__new__(cls)
        self._id = number
        self._whence = whence
        self._reference = reference
        self._lock = Lock()
        self._uses = 0
        self._closing = False
        self._equipped = False
        _known[number] = self
        return self


def create() -> Interpreter:
    """Returns a new, idle, isolated interpreter with a GIL of its own."""
    number, reference = primitives.create()
    return _known_or_new(Interpreter, number, reference)


def list_all() -> list[Interpreter]:
    """Returns all interpreters that exist.

    Of those that others than interlane have made, only the main one and the one that asks.
    """
    found = []
    for number in primitives.ids():
        try:
            found.append(Interpreter(number))
        except InterpreterNotFoundError:
            continue  # it has ended since
    return found


def get_current() -> Interpreter:
    """Returns the interpreter that asks."""
    return Interpreter(primitives.current())


def get_main() -> Interpreter:
    """Returns the main interpreter."""
    return Interpreter(0)


close_at_exit(lambda: [known for known in _known.values() if known.whence == primitives.MODULE])
