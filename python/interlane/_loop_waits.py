"""What an event loop waits with: no thread and no polling, whatever the number of waits.

Each event loop has one bell (`_core._LoopBell`), a descriptor that it watches. Whoever completes a wait, in
whatever interpreter, notes the wait's number and rings. Under trio, `_trio_waits` does the same.
"""

import asyncio
import sys
from collections.abc import Callable, Generator
from contextvars import Context
from itertools import count
from types import BuiltinMethodType, coroutine
from typing import Any
from weakref import WeakKeyDictionary, ref

from interlane import _core

__all__ = ["in_trio", "outcome"]


def in_trio() -> bool:
    """Whether it is a task of trio's that runs."""
    if "trio" not in sys.modules:
        return False
    from interlane import _trio_waits

    return _trio_waits.current_task() is not None


class _Waits(dict[int, tuple[Any, ...]]):
    """The waits of one event loop: what ends each, see `_LoopBell.step`. Kept by the loop, for that call."""

    __slots__ = ("__weakref__", "bell", "numbers", "over")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.bell = _core._loop_bell()  # noqa: SLF001 - ours
        self.numbers = count()
        self.over: asyncio.Future[None] = asyncio.Future(loop=loop)
        self.over.set_result(None)
        loop.add_reader(self.bell.fileno(), self.bell.step, self)

    def expire(self, number: int) -> None:
        match self.pop(number, None):
            case (end,):
                end(True)
            case (end, run, wake, over):
                end(True)
                run(wake, over)


class _Pause(asyncio.Future[bool]):
    """What a task awaits. The result says whether it is too late.

    A plain future has its loop come round once more before the task runs, through code that has gone from the
    caches while the loop slept. Here, what ends the wait runs the task as well: it is the loop that calls it,
    and no other task runs then.
    """

    __slots__ = ("_number", "_waits")

    def __init__(self, loop: asyncio.AbstractEventLoop, waits: _Waits, number: int) -> None:
        super().__init__(loop=loop)
        self._waits, self._number = waits, number
        waits[number] = (self.set_result,)

    def add_done_callback(self, fn: Callable[[Any], object], /, *, context: Context | None = None) -> None:
        step = self._waits.get(self._number, ())
        # It is tasks that give their context. In debug mode, loops want to know what takes long.
        if len(step) == 1 and context is not None and not self.get_loop().get_debug():
            # One of asyncio's own tasks asks what wakes it for its result only, and a plain future quickly.
            of_task = isinstance(fn, BuiltinMethodType) and isinstance(fn.__self__, asyncio.Task)
            self._waits[self._number] = (*step, context.run, fn, self._waits.over if of_task else self)
        else:
            super().add_done_callback(fn, context=context)

    def remove_done_callback(self, fn: Callable[[Any], object], /) -> int:
        self._as_usual()
        return super().remove_done_callback(fn)

    def cancel(self, msg: Any | None = None) -> bool:
        self._as_usual()
        self._waits.pop(self._number, None)
        return super().cancel(msg)

    def _as_usual(self) -> None:
        """What ends the wait will leave the rest to the loop."""
        match self._waits.get(self._number):
            case (end, run, fn, _):
                self._waits[self._number] = (end,)
                super().add_done_callback(fn, context=run.__self__)


# Weak at both ends: a loop that is closed forgets its readers, and with them goes the bell.
_waits_of: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_Waits]] = WeakKeyDictionary()


def _waits(loop: asyncio.AbstractEventLoop) -> _Waits:
    known = _waits_of.get(loop)
    waits = known() if known is not None else None
    if waits is None:
        waits = _Waits(loop)
        _waits_of[loop] = ref(waits)
    return waits


@coroutine
def outcome(
    wait: _core._Choice | _core._LockWait | _core._GuardWait, seconds: float | None = None
) -> Generator[Any, Any, Any]:
    """Begins a wait and returns what came of it; given up, it has no effect that nobody knows of.

    `seconds` is how long it may take, for a `_Choice`.
    """
    if in_trio():
        from interlane import _trio_waits

        return (yield from _trio_waits.outcome(wait, seconds).__await__())
    loop = asyncio.get_running_loop()
    waits = _waits(loop)
    number = next(waits.numbers)
    task = asyncio.current_task(loop)
    waiting = wait.begin(waits.bell, number, "" if task is None else task.get_name())
    timer = None if seconds is None else loop.call_later(seconds, waits.expire, number)
    try:
        while True:
            if waiting:
                pause = _Pause(loop, waits, number)
                # As `await pause`, without a generator of its own.
                pause._asyncio_future_blocking = True  # noqa: SLF001 - how a task knows what it awaits
                yield pause
                if timer is not None and pause.result() and isinstance(wait, _core._Choice):  # noqa: SLF001
                    return wait.expire()
            result = wait.result()
            if result is not None:
                return result
            waiting = True  # it was told of a lock that somebody else took
    except BaseException as error:
        waits.pop(number, None)
        sent = wait.cancel()
        if isinstance(error, asyncio.CancelledError):
            error.sent = sent  # type: ignore[attr-defined]  # told in this attribute
        raise
    finally:
        if timer is not None:
            timer.cancel()
