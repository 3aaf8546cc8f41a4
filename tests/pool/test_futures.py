"""The futures of a pool: cancelled, waited for with and without a timeout, awaited in asyncio."""

from tests.conftest import RunChild
from tests.pool.conftest import check


def test_cancel_wins_or_loses_against_the_worker(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(1) as pool:
    pool.prestart()
    go = interlane.Event()
    running = pool.submit(when, go, "ran")
    waiting = [pool.submit(nap, 0, i) for i in range(10)]
    while not running.running(): time.sleep(0.001)
    assert not running.cancel()
    called = []
    waiting[3].add_done_callback(called.append)
    assert waiting[3].cancel() and waiting[3].cancel() and waiting[3].cancelled() and waiting[3].done()
    assert called == [waiting[3]]
    try:
        waiting[3].result()
    except cf.CancelledError:
        pass
    assert not waiting[4].running() and not waiting[4].done()
    go.set()
    assert running.result() == "ran" and not running.cancel()
    assert [f.result() for f in waiting if not f.cancelled()] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
""",
    )


def test_timeouts_callbacks_wait_and_as_completed(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(2) as pool:
    pool.prestart()
    go = interlane.Event()
    slow = pool.submit(when, go, 1)
    for ask in (slow.result, slow.exception):
        start = time.monotonic()
        try:
            ask(0.05)
        except TimeoutError:
            assert 0.04 < time.monotonic() - start < 60
        else:
            raise AssertionError
    told = threading.Event()
    slow.add_done_callback(lambda f: told.set())
    go.set()
    assert told.wait(60) and slow.result() == 1
    go.clear()
    fast, slow = pool.submit(nap, 0.01, "fast"), pool.submit(when, go, "slow")
    futures = cf.as_completed([slow, fast])
    assert next(futures).result() == "fast"
    go.set()
    assert next(futures).result() == "slow"
    many = [pool.submit(double, x) for x in range(500)]
    done, rest = cf.wait(many, timeout=60)
    assert len(done) == 500 and not rest
    # Polling works as well, and so do several threads that wait for the same one.
    polled = pool.submit(nap, 0.05, 2)
    while not polled.done(): time.sleep(0.001)
    shared, seen = pool.submit(nap, 0.1, 3), []
    threads = [threading.Thread(target=lambda: seen.append(shared.result(60))) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert seen == [3] * 8
    go.clear()
    done, rest = cf.wait([pool.submit(nap, 0.01), pool.submit(when, go)], 60, cf.FIRST_COMPLETED)
    assert len(done) == 1
    go.set()
    rest.pop().result()
""",
    )


def test_asyncio_submits_maps_and_cancels(run_child: RunChild) -> None:
    check(
        run_child,
        """
import asyncio, itertools
async def main():
    loop = asyncio.get_running_loop()
    with InterpreterPoolExecutor(2) as pool:
        assert await pool.asubmit(double, 4) == 8
        assert await loop.run_in_executor(pool, double, 5) == 10
        assert await asyncio.gather(*(pool.asubmit(double, i) for i in range(50))) == list(range(0, 100, 2))
        assert [x async for x in pool.amap(double, range(30))] == list(range(0, 60, 2))
        assert [x async for x in pool.amap(pow, [2, 3], [3, 2])] == [8, 9]
        seen = []
        async for x in pool.amap(double, itertools.count(), buffersize=3):
            seen.append(x)
            if len(seen) == 5:
                break
        assert seen == [0, 2, 4, 6, 8]
        try:
            await pool.asubmit(fail, "async")
        except ValueError as error:
            assert str(error) == "async"
        blocked = [asyncio.create_task(pool.asubmit(nap, 0.3)) for _ in range(2)]
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(pool.asubmit(nap, 5))
        await asyncio.sleep(0.01)
        waiting.cancel()
        try:
            await waiting
        except asyncio.CancelledError:
            pass
        await asyncio.gather(*blocked)
asyncio.run(main())
""",
    )
