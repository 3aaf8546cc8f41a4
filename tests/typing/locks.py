"""What type checkers see of locks. Checked by mypy, never run."""

from typing import assert_type

import interlane


def locks_are_those_of_threading(lock: interlane.Lock | interlane.RLock) -> None:
    assert_type(lock.acquire(timeout=1.5), bool)
    with lock as acquired:
        assert_type(acquired, bool)
    condition = interlane.Condition(lock)
    assert_type(condition.lock, interlane.Lock | interlane.RLock)
    assert_type(condition.wait_for(lambda: "result"), str)


async def what_is_awaited_has_a_type(
    lock: interlane.Lock, condition: interlane.Condition, barrier: interlane.Barrier
) -> None:
    assert_type(await lock.acquire_async(), bool)
    async with lock as acquired:
        assert_type(acquired, bool)
    async with condition, interlane.RLock(), interlane.Semaphore(2), interlane.BoundedSemaphore():
        assert_type(await condition.wait_async(), bool)
        assert_type(await condition.wait_for_async(lambda: "result"), str)
    assert_type(await interlane.Event().wait_async(), bool)
    assert_type(await barrier.wait_async(), int)
    assert_type(await interlane.AtomicInt().wait_async(0), bool)
    await lock.acquire_async(timeout=1)  # type: ignore[call-arg]
