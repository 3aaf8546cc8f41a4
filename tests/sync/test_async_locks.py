"""Locks and their kin in asyncio: in the main interpreter and in isolated ones, beside threads that block."""

import asyncio
import gc
import threading
import time
from pathlib import Path
from typing import Any

import interlane
import pytest

LOCKS = {
    "Lock": interlane.Lock,
    "RLock": interlane.RLock,
    "Semaphore": interlane.Semaphore,
    "BoundedSemaphore": interlane.BoundedSemaphore,
    "Condition": interlane.Condition,
}
DESCRIPTORS = Path("/proc/self/fd")
lock_kinds = pytest.mark.parametrize("kind", LOCKS)


def descriptors() -> int:
    gc.collect()  # what other tests have left
    return len(list(DESCRIPTORS.iterdir()))


def waiting(primitive: Any) -> int:
    return next(it.waiting for it in interlane.inspect().locks if it.id == primitive.id)


async def hold(lock: Any, turns: int = 3) -> None:
    async with lock:
        for _ in range(turns):
            await asyncio.sleep(0)


def test_what_is_free_is_acquired_without_the_loop() -> None:
    async def main() -> str:
        for make in LOCKS.values():
            async with make() as acquired:
                assert acquired is True
        lock = interlane.Lock()
        assert await lock.acquire_async()
        lock.release()
        event, number = interlane.Event(), interlane.AtomicInt(5)
        event.set()
        assert await event.wait_async()
        assert await number.wait_async(4)
        return "done"

    # A coroutine that never suspends needs no loop.
    with pytest.raises(StopIteration) as done:
        main().send(None)
    assert done.value.value == "done"


@lock_kinds
def test_tasks_of_a_loop_exclude_each_other(run_loop: Any, kind: str) -> None:
    async def main() -> None:
        lock = LOCKS[kind]()
        inside = 0

        async def work() -> None:
            nonlocal inside
            for _ in range(20):
                async with lock:
                    inside += 1
                    assert inside == 1
                    await asyncio.sleep(0)
                    inside -= 1

        await asyncio.gather(*(work() for _ in range(8)))

    run_loop(main())


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="no /proc")
def test_many_waits_of_a_loop_need_one_descriptor_and_no_thread(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        lock, event, barrier, number = (
            interlane.Lock(),
            interlane.Event(),
            interlane.Barrier(100),
            interlane.AtomicInt(),
        )
        lock.acquire()
        tasks = [await started(hold(lock))]
        before, threads = descriptors(), set(threading.enumerate())
        tasks += [await started(hold(lock)) for _ in range(50)]
        tasks += [await started(event.wait_async()) for _ in range(50)]
        tasks += [await started(barrier.wait_async()) for _ in range(50)]
        tasks += [await started(number.wait_async(0)) for _ in range(50)]
        # What others have left may go meanwhile.
        assert descriptors() <= before
        assert set(threading.enumerate()) <= threads
        assert [waiting(it) for it in (lock, event, barrier, number)] == [51, 50, 50, 50]
        lock.release()
        event.set()
        number.add()
        barrier.abort()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(it) for it in results[101:151]] == [interlane.BrokenBarrierError] * 50
        assert results[51:101] == results[151:] == [True] * 50
        assert not lock.locked()

    run_loop(main())


def test_threads_wake_what_is_awaited(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        lock, event, number = interlane.Lock(), interlane.Event(), interlane.AtomicInt()
        condition, items = interlane.Condition(), []
        barrier, passed = interlane.Barrier(2), []
        lock.acquire()

        async def take() -> Any:
            async with condition:
                return await condition.wait_for_async(lambda: items and items.pop())

        tasks = [await started(hold(lock))]
        tasks += [await started(event.wait_async()), await started(number.wait_async(0))]
        tasks += [await started(take()), await started(barrier.wait_async())]

        def act() -> None:
            lock.release()
            event.set()
            number.store(3)
            with condition:
                items.append("item")
                condition.notify()
            passed.append(barrier.wait())

        await asyncio.to_thread(act)
        assert await asyncio.gather(*tasks) == [None, True, True, "item", 0]
        assert passed == [1]
        assert not condition.locked()

    run_loop(main())


def test_who_waits_is_not_overtaken_for_ever(run_loop: Any) -> None:
    async def main() -> None:
        lock, stop = interlane.Lock(), interlane.Event()

        def hog() -> None:
            while not stop.is_set():
                with lock:
                    pass

        hogs = [threading.Thread(target=hog) for _ in range(2)]
        for thread in hogs:
            thread.start()
        try:
            for _ in range(50):
                async with lock:
                    await asyncio.sleep(0.0005)
        finally:
            stop.set()
            for thread in hogs:
                thread.join()

    run_loop(main())


@pytest.mark.parametrize("make", [interlane.Lock, interlane.RLock, lambda: interlane.BoundedSemaphore(2)])
def test_time_outs_against_threads_lose_no_permit(run_loop: Any, make: Any) -> None:
    async def main() -> None:
        lock, stop = make(), interlane.Event()
        got = missed = 0

        def work() -> None:
            while not stop.is_set():
                with lock:
                    time.sleep(0.0001)

        async def try_it(patience: int) -> None:
            nonlocal got, missed
            for turn in range(60):
                try:
                    async with asyncio.timeout((patience + 13 * turn) % 200 / 1e5), lock:
                        got += 1
                except TimeoutError:
                    missed += 1
                await asyncio.sleep(0)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(try_it(patience * 50) for patience in range(4)))
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        assert got + missed >= 240
        assert waiting(lock) == 0
        assert lock.value == 2 if hasattr(lock, "value") else not lock.locked()

    run_loop(main())


def test_an_rlock_is_a_tasks(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        lock = interlane.RLock()
        async with lock, lock:
            assert "held in interpreter 0, task " in repr(lock)
            with lock:  # a function that the task calls may not know
                assert lock._recursion_count() == 3
            assert lock.acquire(False)
            lock.release()
            other = await started(hold(lock))

            async def release() -> None:
                lock.release()

            with pytest.raises(RuntimeError, match="un-acquired"):
                await asyncio.create_task(release())
            assert not await asyncio.to_thread(lock.acquire, False)
        await other
        assert not lock.locked()
        # What a thread has, all its tasks have.
        with lock:
            await hold(lock)
            await asyncio.create_task(hold(lock))
        assert not lock.locked()

    run_loop(main())


def test_a_task_that_ends_with_an_rlock_loses_it(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        lock = interlane.RLock()
        go = asyncio.Event()

        async def keep() -> None:
            await lock.acquire_async()
            await go.wait()

        keeper = await started(keep())
        others = [await started(hold(lock)) for _ in range(2)]
        go.set()
        await keeper
        for other in others:
            with pytest.raises(interlane.OwnerGoneError, match="its holder has ended"):
                await other
        with pytest.raises(interlane.OwnerGoneError):
            await lock.acquire_async()
        assert lock.recover()
        await hold(lock)

    run_loop(main())


def test_a_task_that_is_dropped_with_an_rlock_loses_it(caplog: pytest.LogCaptureFixture) -> None:
    lock = interlane.RLock()

    async def keep() -> None:
        await lock.acquire_async()
        await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    task = loop.create_task(keep())
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    assert not lock.acquire(timeout=0.01)
    del task, loop
    gc.collect()
    assert "it is pending" in caplog.text
    with pytest.raises(interlane.OwnerGoneError):
        lock.acquire()
    assert lock.recover()


def test_a_condition_has_its_lock_again_as_often_as_before(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        condition = interlane.Condition()

        async def wait() -> int:
            async with condition, condition:
                assert await condition.wait_async()
                return condition.lock._recursion_count()

        task = await started(wait())
        assert not condition.locked()
        async with condition:
            condition.notify_all()
        assert await task == 2
        assert not condition.locked()
        with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
            await condition.wait_async()

    run_loop(main())


def test_a_barrier_gives_each_party_a_number_and_acts_once(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        acted: list[int] = []
        itself: list[Any] = []
        barrier = interlane.Barrier(5, lambda: acted.append(itself[0].n_waiting))
        itself.append(barrier)
        for _ in range(3):
            assert sorted(await asyncio.gather(*(barrier.wait_async() for _ in range(5)))) == [0, 1, 2, 3, 4]
        assert acted == [0, 0, 0]
        # Who has left is replaced, and nobody's number is given twice.
        first, second = await started(barrier.wait_async()), await started(barrier.wait_async())
        first.cancel()
        assert await asyncio.wait([first])
        assert barrier.n_waiting == 1
        others = [barrier.wait_async() for _ in range(4)]
        assert sorted([*await asyncio.gather(*others), await second]) == [0, 1, 2, 3, 4]
        itself.clear()  # else it would be in a cycle through a share, which nobody collects

        failing = interlane.Barrier(2, lambda: 1 / 0)
        first = await started(failing.wait_async())
        with pytest.raises(ZeroDivisionError):
            await failing.wait_async()
        with pytest.raises(interlane.BrokenBarrierError):
            await first
        with pytest.raises(interlane.BrokenBarrierError):
            await failing.wait_async()

    run_loop(main())


def test_who_comes_to_a_barrier_while_others_leave_is_of_the_next_round(run_loop: Any, started: Any) -> None:
    async def main() -> None:
        acting, go = interlane.Event(), interlane.Event()
        barrier = interlane.Barrier(2, lambda: (acting.set(), go.wait(60)))
        threads = [threading.Thread(target=barrier.wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        await acting.wait_async()
        third = await started(barrier.wait_async())
        go.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.01)
        assert not third.done()
        assert barrier.n_waiting == 1
        assert await barrier.wait_async() == 1
        assert await third == 0

    run_loop(main())


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(TypeError):
        interlane.Lock().acquire_async(False)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        interlane.Event().wait_async(1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        interlane.AtomicInt().wait_async()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        asyncio.run(interlane.AtomicInt().wait_async("5"))  # type: ignore[arg-type]


IN_A_LOOP = """
import asyncio, os
def loop(main):
    asyncio.run(asyncio.wait_for(main, 50))
"""


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "Condition"])
def test_loops_and_threads_of_interpreters_exclude_each_other(run_child: Any, kind: str) -> None:
    out = run_child(
        IN_A_LOOP
        + """
lock, number = KINDS[sys.argv[1]](), interlane.AtomicInt()
CODE = '''
import asyncio
def work(count=100):
    for _ in range(count):
        with lock:
            value = number.load()
            time.sleep(0)
            number.store(value + 1)     # neither is lost, if nobody else is between the two
async def task(count=50):
    for _ in range(count):
        async with lock:
            value = number.load()
            await asyncio.sleep(0)
            number.store(value + 1)
async def main():
    async with asyncio.timeout(60):
        await asyncio.gather(*(task() for _ in range(4)))
'''
interps = [elsewhere(CODE, lock=lock, number=number) for _ in range(3)]
exec(CODE)
threads = [start(interp.exec, "asyncio.run(main())") for interp in interps[1:]]
threads += [start(interps[0].exec, "work()"), start(work)]
asyncio.run(main())
for thread in threads:
    thread.join()
print(number.load(), waiting(lock))
""",
        kind,
        timeout=100,
    )
    assert out.split() == ["800", "0"]


def test_the_end_of_the_holders_interpreter_is_told_to_loops(run_child: Any) -> None:
    out = run_child(
        IN_A_LOOP
        + """
send, recv = interlane.create_channel()
CODE = '''
import asyncio
async def wait(name):
    try:
        async with lock:
            pass
    except interlane.OwnerGoneError as error:
        send.send((name, "is lost" in str(error)))
async def main():
    async with asyncio.timeout(50):
        await asyncio.gather(wait("first"), wait("second"))
'''
for kind in (interlane.Lock, interlane.RLock):
    lock = kind()
    holder = elsewhere("lock.acquire()", lock=lock)
    other = elsewhere(CODE, lock=lock, send=send)
    thread = start(other.exec, "asyncio.run(main())")
    until(lambda: waiting(lock) == 2)
    async def main():
        task = asyncio.create_task(lock.acquire_async())
        while waiting(lock) < 3:
            await asyncio.sleep(0)
        holder.close()
        try:
            await task
        except interlane.OwnerGoneError:
            print("gone")
    loop(main())
    thread.join()
    print(sorted(recv.recv_many()))
    assert waiting(lock) == 0
    assert lock.recover()
os._exit(0)  # as above
""",
        timeout=100,
    )
    assert out.splitlines() == ["gone", "[('first', True), ('second', True)]"] * 2


def test_an_interpreter_that_ends_passes_on_what_its_loop_was_handed(run_child: Any) -> None:
    # Its coroutines are never taken up again: what they were handed belongs to whoever is left.
    run_child(
        IN_A_LOOP
        + """
lock, semaphore = interlane.Lock(), interlane.Semaphore(0)
event, barrier = interlane.Event(), interlane.Barrier(2)
lock.acquire()
other = elsewhere('''
import asyncio, sys
loop = asyncio.new_event_loop()
coroutines = [lock.acquire_async(), semaphore.acquire_async(), event.wait_async(), barrier.wait_async()]
async def begin():
    return ([coroutine.send(None) for coroutine in coroutines],)
sys.kept = (loop.run_until_complete(begin()), coroutines, loop)
''', lock=lock, semaphore=semaphore, event=event, barrier=barrier)
kinds = lock, semaphore, event, barrier
assert [waiting(it) for it in kinds] == [1, 1, 1, 1]
time.sleep(0.01)        # what is given back now is handed over
lock.release()
semaphore.release()
assert lock.locked() and semaphore.value == 0
other.close()
assert [waiting(it) for it in kinds] == [0, 0, 0, 0]
assert lock.acquire(timeout=10) and semaphore.acquire(timeout=10)
os._exit(0)  # as above
"""
    )
