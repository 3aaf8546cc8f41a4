"""Locks and their kin in asyncio and trio. See `_loop_waits`."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary, finalize

from interlane import _core
from interlane._core import (
    AtomicInt,
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    Lock,
    RLock,
    Semaphore,
    SharedBuffer,
)
from interlane._loop_waits import in_trio, outcome

__all__: list[str] = []


async def acquire(lock: Lock | RLock | Semaphore | BoundedSemaphore | Condition) -> bool:
    await _take(lock.lock if isinstance(lock, Condition) else lock, 1)
    return True


async def release(lock: Lock | RLock | Semaphore | BoundedSemaphore | Condition) -> None:
    lock.release()


type _Awaited = Event | Barrier | AtomicInt | Lock | RLock | Semaphore | BoundedSemaphore


async def wait(primitive: _Awaited, argument: Any = 0, task: int = 0) -> Any:
    """What `_core._lock_wait` says."""
    call = _core._lock_wait(primitive, argument, task)  # noqa: SLF001 - ours
    done = call.attempt()
    return await outcome(call) if done is None else done


async def wait_condition(condition: Condition) -> bool:
    """See Condition.wait_async."""
    call = _core._lock_wait(condition)  # noqa: SLF001
    notified = False
    try:
        notified = await outcome(call)
    finally:
        if call.depth:
            await _retake(condition, call.depth, notified=notified)
    return True


async def wait_for[R](condition: Condition, predicate: Callable[[], R]) -> R:
    """See Condition.wait_for_async."""
    while not (result := predicate()):
        await wait_condition(condition)
    return result


async def _retake(condition: Condition, depth: int, *, notified: bool) -> None:
    """Has the lock again, come what may."""
    if in_trio():
        from interlane import _trio_waits

        await _trio_waits.shielded(_take(condition.lock, depth))
        return
    cancelled = None
    while True:
        try:
            await _take(condition.lock, depth)
            break
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if notified:
            condition.notify()  # it was meant for somebody who would do something about it
        raise cancelled


async def _take(lock: Lock | RLock | Semaphore | BoundedSemaphore, depth: int) -> None:
    await wait(lock, depth, _owner(lock) if isinstance(lock, RLock) else 0)


async def enter_guard(guard: _core._Guard) -> SharedBuffer:
    """`async with` of a guard: see SharedBuffer.reading."""
    task = _current_task()
    wait = guard._wait(0 if task is None else _owner_of(task).number)  # noqa: SLF001
    view: SharedBuffer | None = wait.attempt()
    if view is not None:
        return view
    if wait.timeout is None:
        view = await outcome(wait)
    elif in_trio():
        from interlane import _trio_waits

        view = await _trio_waits.within(wait.timeout, outcome(wait))
    else:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.timeout):
                view = await outcome(wait)
    return wait.refuse() if view is None else view


async def exit_guard(guard: _core._Guard, exc_type: type[BaseException] | None) -> None:
    guard.__exit__(exc_type)


class _Owner:
    """A task that may have locks: its number, and which those are."""

    __slots__ = ("locks", "number")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.locks: set[RLock] = set()


# Odd, which what `threading.get_ident()` says never is: the holder of a lock is one or the other.
_numbers = count(1, 2)
_owners: WeakKeyDictionary[Any, _Owner] = WeakKeyDictionary()


def _current_task() -> Any:
    if in_trio():
        from interlane import _trio_waits

        return _trio_waits.current_task()
    try:
        return asyncio.current_task()
    except RuntimeError:  # there is no loop
        return None


def task_number() -> int:
    """The number of the current task, if it may have a lock; else 0."""
    task = _current_task()
    owner = _owners.get(task) if task is not None else None
    return 0 if owner is None else owner.number


def _owner(lock: RLock) -> int:
    """The number of the current task, which may have this lock from now on; 0 outside of any."""
    task = _current_task()
    if task is None:
        return 0
    owner = _owner_of(task)
    owner.locks.add(lock)
    return owner.number


def _owner_of(task: Any) -> _Owner:
    owner = _owners.get(task)
    if owner is None:
        owner = _owners[task] = _Owner()
        ending = finalize(task, _ended, owner)
        ending.atexit = False
        if isinstance(task, asyncio.Task):  # which tells earlier, if it comes to its end
            task.add_done_callback(lambda _: ending())
    return owner


def _ended(owner: _Owner) -> None:
    """Nobody else can release what the task still has: whoever waits for it is told."""
    for lock in owner.locks:
        _core._lose_task(lock, owner.number)  # noqa: SLF001 - ours
