"""What an event loop waits with: no thread and no polling, whatever the number of waits.

Each event loop has one bell (`_core._LoopBell`), a descriptor that it watches. Whoever completes a wait, in
whatever interpreter, notes the wait's number and rings. Under trio, `_trio_waits` does the same.
"""

import asyncio
import sys
from itertools import count
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


class _Waits:
    """The waits of one event loop. Kept by the loop, as what it calls when the bell rings."""

    __slots__ = ("__weakref__", "bell", "futures", "numbers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.bell = _core._loop_bell()  # noqa: SLF001 - ours
        # Their results say whether it is too late.
        self.futures: dict[int, asyncio.Future[bool]] = {}
        self.numbers = count()
        loop.add_reader(self.bell.fileno(), self.answer)

    def answer(self) -> None:
        for number in self.bell.answer():
            self.wake(number, False)

    def wake(self, number: int, too_late: bool) -> None:
        future = self.futures.pop(number, None)
        if future is not None and not future.done():
            future.set_result(too_late)


# Weak at both ends: a loop that is closed forgets its readers, and with them goes the bell.
_waits_of: WeakKeyDictionary[asyncio.AbstractEventLoop, ref[_Waits]] = WeakKeyDictionary()


def _waits(loop: asyncio.AbstractEventLoop) -> _Waits:
    known = _waits_of.get(loop)
    waits = known() if known is not None else None
    if waits is None:
        waits = _Waits(loop)
        _waits_of[loop] = ref(waits)
    return waits


async def outcome(
    wait: _core._Choice | _core._LockWait | _core._GuardWait, seconds: float | None = None
) -> Any:
    """Begins a wait and returns what came of it; given up, it has no effect that nobody knows of.

    `seconds` is how long it may take, for a `_Choice`.
    """
    if in_trio():
        from interlane import _trio_waits

        return await _trio_waits.outcome(wait, seconds)
    loop = asyncio.get_running_loop()
    waits = _waits(loop)
    number = next(waits.numbers)
    task = asyncio.current_task(loop)
    waiting = wait.begin(waits.bell, number, "" if task is None else task.get_name())
    timer = None if seconds is None else loop.call_later(seconds, waits.wake, number, True)
    try:
        while True:
            if waiting:
                waits.futures[number] = future = loop.create_future()
                if await future and isinstance(wait, _core._Choice):  # noqa: SLF001 - ours
                    return wait.expire()
            result = wait.result()
            if result is not None:
                return result
            waiting = True  # it was told of a lock that somebody else took
    except BaseException as error:
        waits.futures.pop(number, None)
        sent = wait.cancel()
        if isinstance(error, asyncio.CancelledError):
            error.sent = sent  # type: ignore[attr-defined]
        raise
    finally:
        if timer is not None:
            timer.cancel()
