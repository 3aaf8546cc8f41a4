"""What trio waits with: as `_loop_waits`, with a task of trio's that watches the bell."""

import math
from itertools import count
from typing import Any

import trio

from interlane import _core

__all__ = ["current_task", "outcome", "shielded", "within"]


class _Waits:
    """The waits of one run of trio."""

    __slots__ = ("bell", "numbers", "tasks")

    def __init__(self) -> None:
        self.bell = _core._loop_bell()  # noqa: SLF001 - ours
        self.tasks: dict[int, Any] = {}
        self.numbers = count()

    async def answer(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self.bell.fileno())
            for number in self.bell.answer():
                task = self.tasks.pop(number, None)
                if task is not None:
                    trio.lowlevel.reschedule(task)


_waits_of_run: Any = trio.lowlevel.RunVar("interlane")


def _waits() -> _Waits:
    try:
        waits: _Waits = _waits_of_run.get()
    except LookupError:
        waits = _Waits()
        _waits_of_run.set(waits)
        trio.lowlevel.spawn_system_task(waits.answer, name="interlane")
    return waits


def current_task() -> Any:
    """The task that runs; None outside of trio."""
    try:
        return trio.lowlevel.current_task()
    except RuntimeError:
        return None


async def outcome(
    wait: _core._Choice | _core._LockWait | _core._GuardWait, seconds: float | None = None
) -> Any:
    """Begins a wait and returns what came of it; given up, it has no effect that nobody knows of."""
    waits = _waits()
    number = next(waits.numbers)
    waiting = wait.begin(waits.bell, number, trio.lowlevel.current_task().name)

    def abort(_: object) -> Any:
        waits.tasks.pop(number, None)
        return trio.lowlevel.Abort.SUCCEEDED

    try:
        while True:
            if waiting:
                waits.tasks[number] = trio.lowlevel.current_task()
                with trio.move_on_after(math.inf if seconds is None else seconds) as scope:
                    await trio.lowlevel.wait_task_rescheduled(abort)
                if scope.cancelled_caught and isinstance(wait, _core._Choice):  # noqa: SLF001 - ours
                    return wait.expire()
            result = wait.result()
            if result is not None:
                return result
            waiting = True
    except BaseException as error:
        sent = wait.cancel()
        if isinstance(error, trio.Cancelled):
            error.sent = sent  # type: ignore[attr-defined]  # told in this attribute
        raise


async def shielded(awaited: Any) -> None:
    """Awaits, whatever is cancelled meanwhile."""
    with trio.CancelScope(shield=True):
        await awaited


async def within(seconds: float, awaited: Any) -> Any:
    """Awaits for so long at most; None after that."""
    with trio.move_on_after(seconds):
        return await awaited
    return None
