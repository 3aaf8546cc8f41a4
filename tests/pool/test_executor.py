"""`InterpreterPoolExecutor`: what a pool promises, in processes of their own, since most of it could hang."""

import pytest

from tests.conftest import RunChild

# What most of the programs below begin with: functions of a `__main__` that is not a file go by code.
START = """
import sys, time, threading
import concurrent.futures as cf
import interlane
from interlane import InterpreterPoolExecutor

def double(x):
    return 2 * x

def nap(seconds, value=None):
    time.sleep(seconds)
    return value

def when(event, value=None):
    assert event.wait(90)
    return value

def where():
    from interlane import interpreters
    return interpreters.get_current().id

def fail(text):
    error = ValueError(text)
    error.add_note("a note")
    raise error
"""


def check(run_child: RunChild, code: str) -> str:
    return run_child(START + code + "\nprint('done')", timeout=110)


def test_tasks_run_in_other_interpreters_at_the_same_time(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(3) as pool:
    assert pool.submit(where).result() != 0
    places = set(pool.map(lambda barrier: (barrier.wait(60), where())[1], [interlane.Barrier(3)] * 3))
    assert len(places) == 3 and 0 not in places, places
    assert isinstance(pool, cf.Executor)
""",
    )


def test_importing_interlane_imports_no_futures(run_child: RunChild) -> None:
    run_child(
        """
import sys, interlane
assert not [name for name in sys.modules if name.startswith(("concurrent", "asyncio", "threading", "pickle"))
            and name != "threading"]
assert interlane.InterpreterPoolExecutor is interlane.InterpreterPoolExecutor
assert issubclass(interlane.BrokenInterpreterPool, __import__("concurrent.futures").futures.BrokenExecutor)
"""
    )


def test_what_a_task_raises_is_in_its_future_with_traceback_and_notes(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(1) as pool:
    error = pool.submit(fail, "seven").exception()
    assert type(error) is ValueError and error.args == ("seven",), error
    assert error.__notes__ == ["a note"]
    assert "in fail" in str(error.__cause__) and "worker.py" not in str(error.__cause__)
    try:
        pool.submit(fail, "eight").result()
    except ValueError as raised:
        assert str(raised) == "eight"
    else:
        raise AssertionError
""",
    )


def test_a_task_that_ends_badly_fails_alone(run_child: RunChild) -> None:
    check(
        run_child,
        """
def deep(n):
    return deep(n + 1)

def thrown(error):
    raise error

def refused():
    import interlane_no_such_module

with InterpreterPoolExecutor(2) as pool:
    expected = {
        pool.submit(sys.exit, 3): SystemExit,
        pool.submit(thrown, SystemExit("text")): SystemExit,
        pool.submit(thrown, KeyboardInterrupt()): KeyboardInterrupt,
        pool.submit(deep, 0): RecursionError,
        pool.submit(refused): ModuleNotFoundError,
        pool.submit(threading.Lock): (TypeError, interlane.NotShareableError),  # the result can't be sent
    }
    for future, error in expected.items():
        assert isinstance(future.exception(), error), (future, future.exception())
    assert list(pool.map(double, range(50))) == list(range(0, 100, 2))
""",
    )


def test_a_module_that_refuses_isolated_interpreters_fails_its_task(run_child: RunChild) -> None:
    # `readline` and `_testsinglephase` are of the single-phase kind, where a Python has them.
    check(
        run_child,
        """
import importlib.util
names = [n for n in ("_testsinglephase", "readline", "_tkinter", "_curses") if importlib.util.find_spec(n)]
with InterpreterPoolExecutor(1) as pool:
    for name in names:
        error = pool.submit(__import__, name).exception()
        print(name, repr(error))
        assert error is None or isinstance(error, ImportError)
        assert pool.submit(double, 4).result() == 8
""",
    )


def test_arguments_and_results_are_shared_and_else_pickled(run_child: RunChild) -> None:
    check(
        run_child,
        """
import collections
def size(text): return len(text), type(text).__name__
def ends(view): return view[0], view[-1], type(view).__name__
def make(n): return "r" * n
text = "x" * (1 << 26)
block = bytearray(b"ab" * 1000)
with InterpreterPoolExecutor(2) as pool:
    assert pool.submit(size, text).result() == (1 << 26, "SharedStr")
    assert pool.submit(ends, block).result() == (97, 98, "memoryview")
    block.append(1) if not interlane.wait_released(60) else None
    assert type(pool.submit(make, 1 << 20).result()) is interlane.SharedStr
    counts = collections.Counter("hello")  # neither has its own way
    assert pool.submit(double, counts["l"]).result() == 4
    assert pool.submit(dict, counts).result() == dict(counts)
    ordered = collections.OrderedDict(a=1)
    assert pool.submit(double, 1).result() == 2 and pool.submit(list, ordered).result() == ["a"]
    assert list(pool.map(size, [text, text])) == [(1 << 26, "SharedStr")] * 2
""",
    )


def test_what_cannot_be_sent_is_in_the_future(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(1) as pool:
    error = pool.submit(double, threading.Lock()).exception()
    assert isinstance(error, (TypeError, interlane.NotShareableError)), error
    results = pool.map(double, [1, threading.Lock(), 3])
    assert next(results) == 2
    try:
        next(results)
    except TypeError:
        pass
    else:
        raise AssertionError
    assert pool.submit(double, 5).result() == 10
""",
    )


def test_functions_of_many_kinds(run_child: RunChild) -> None:
    check(
        run_child,
        """
import functools, json, fractions, operator
FACTOR = 3
helpers = {"triple": lambda x: FACTOR * x}
def even(n): return True if n == 0 else odd(n - 1)
def odd(n): return False if n == 0 else even(n - 1)
def triple(x, *, extra=0): return FACTOR * x + extra
with InterpreterPoolExecutor(2) as pool:
    assert pool.submit(json.dumps, [1]).result() == "[1]"
    assert pool.submit(functools.partial(triple, extra=1), 2).result() == 7
    assert pool.submit(functools.partial(functools.partial(pow, 2), 3)).result() == 8
    assert pool.submit(lambda a, b=5: a + b, 1).result() == 6
    assert pool.submit(even, 11).result() is False
    assert pool.submit("a-b".split, "-").result() == ["a", "b"]
    assert pool.submit(fractions.Fraction(1, 2).limit_denominator, 10).result() == fractions.Fraction(1, 2)
    assert pool.submit(operator.itemgetter(1), [5, 6]).result() == 6
    assert pool.submit(int, "12").result() == 12
    assert pool.submit(dict.fromkeys, "ab").result() == {"a": None, "b": None}
    assert list(pool.map(functools.partial(triple, extra=1), [1, 2])) == [4, 7]
    assert list(pool.map(functools.partial(pow, 2), [1, 2, 3], chunksize=2)) == [2, 4, 8]
    assert list(pool.map(fractions.Fraction(1, 2).__add__, [1])) == [fractions.Fraction(3, 2)]
    # A global that changes is seen by the next task.
    FACTOR = 10
    assert pool.submit(triple, 1).result() == 10
    def triple(x): return -x
    assert pool.submit(triple, 1).result() == -1
    assert isinstance(pool.submit(1).exception(), TypeError)
""",
    )


def test_state_that_an_initializer_sets_stays_for_the_tasks(run_child: RunChild) -> None:
    check(
        run_child,
        """
state = None
def begin(value):
    global state
    state = [value]
def use(x):
    state.append(x)
    return state[0]
with InterpreterPoolExecutor(2, initializer=begin, initargs=(7,)) as pool:
    assert set(pool.map(use, range(20))) == {7}
""",
    )


def test_closures_need_cloudpickle_and_the_message_says_so(run_child: RunChild) -> None:
    check(
        run_child,
        """
sys.modules["cloudpickle"] = None
def outer(y):
    return lambda x: x + y
with InterpreterPoolExecutor(1) as pool:
    error = pool.submit(outer(1), 2).exception()
    assert isinstance(error, interlane.NotShareableError) and "cloudpickle" in str(error), error
    assert "y" in str(error)
    class Local: pass
    error = pool.submit(Local).exception()
    assert "cloudpickle" in str(error) and "Local" in str(error), error
""",
    )


def test_closures_go_with_cloudpickle(run_child: RunChild) -> None:
    pytest.importorskip("cloudpickle")
    check(
        run_child,
        """
class Point:
    def __init__(self, x): self.x = x
def outer(y):
    return lambda x: Point(x + y).x
with InterpreterPoolExecutor(1) as pool:
    assert pool.submit(outer(1), 2).result() == 3
    assert list(pool.map(outer(1), [1, 2])) == [2, 3]
""",
    )


def test_the_initializer_breaks_the_pool(run_child: RunChild) -> None:
    check(
        run_child,
        """
import logging
logging.disable(logging.CRITICAL)
pool = InterpreterPoolExecutor(2, initializer=fail, initargs=("no",))
first = pool.submit(double, 1)
results = None
try:
    results = pool.map(double, range(3))
except interlane.BrokenInterpreterPool:
    pass
error = first.exception(60)
assert isinstance(error, interlane.BrokenInterpreterPool) and isinstance(error, cf.BrokenExecutor), error
assert isinstance(error.__cause__, ValueError)
try:
    pool.submit(double, 1)
except cf.BrokenExecutor:
    pass
else:
    raise AssertionError
if results is not None:
    try:
        list(results)
    except cf.BrokenExecutor:
        pass
    else:
        raise AssertionError
pool.shutdown()
""",
    )


def test_a_worker_that_dies_fails_its_task_and_is_replaced(run_child: RunChild) -> None:
    # Nothing that a task does can end its worker but taking it apart from inside.
    check(
        run_child,
        """
import logging
logging.disable(logging.CRITICAL)
def die():
    import interlane._executor.worker as worker
    def broken(error): raise MemoryError("the worker breaks")
    worker._strip = broken
    raise ValueError
with InterpreterPoolExecutor(1) as pool:
    before = pool.submit(where).result()
    lost = pool.submit(die)
    after = [pool.submit(double, x) for x in range(5)]
    error = lost.exception(60)
    assert isinstance(error, interlane.WorkerLostError), error
    assert [f.result(60) for f in after] == [0, 2, 4, 6, 8]
    assert pool.submit(where).result(60) != before
""",
    )


def test_workers_are_replaced_after_so_many_tasks(run_child: RunChild) -> None:
    check(
        run_child,
        """
with InterpreterPoolExecutor(1, max_tasks_per_child=3) as pool:
    places = [pool.submit(where).result(60) for _ in range(9)]
    assert len(set(places)) == 3, places
    assert list(pool.map(double, range(10))) == list(range(0, 20, 2))
for wrong, error in ((0, ValueError), ("a", TypeError)):
    try:
        InterpreterPoolExecutor(1, max_tasks_per_child=wrong)
    except error:
        pass
    else:
        raise AssertionError
""",
    )


def test_interpreters_can_be_started_before_there_are_tasks(run_child: RunChild) -> None:
    check(
        run_child,
        """
from interlane import interpreters
with InterpreterPoolExecutor(3) as pool:
    assert len(interpreters.list_all()) == 1
    pool.prestart()
    assert len(interpreters.list_all()) == 4
    pool.prestart()
    assert list(pool.map(double, range(5))) == [0, 2, 4, 6, 8]
assert len(interpreters.list_all()) == 1
""",
    )


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


def test_many_threads_submit_and_wait(run_child: RunChild) -> None:
    check(
        run_child,
        """
errors = []
with InterpreterPoolExecutor(2) as pool:
    def use(seed):
        try:
            for i in range(150):
                assert pool.submit(double, seed + i).result(60) == 2 * (seed + i)
                if i % 10 == 0:
                    some = range(seed, seed + 5)
                    assert list(pool.map(double, some)) == [2 * x for x in some]
                if i % 25 == 0:
                    assert len(cf.wait([pool.submit(double, 1) for _ in range(4)], 60).done) == 4
        except BaseException as error:
            errors.append(error)
            raise
    threads = [threading.Thread(target=use, args=(1000 * n,)) for n in range(6)]
    for thread in threads: thread.start()
    for thread in threads: thread.join(90)
    assert not any(thread.is_alive() for thread in threads)
assert not errors
""",
    )


def test_map_in_all_its_forms(run_child: RunChild) -> None:
    check(
        run_child,
        """
import itertools
with InterpreterPoolExecutor(2) as pool:
    assert list(pool.map(pow, [2, 3], [5, 2, 9])) == [32, 9]
    assert list(pool.map(double, [])) == [] and list(pool.map(double, [], chunksize=3)) == []
    for size in (1, 3, 1000):
        assert list(pool.map(double, range(700), chunksize=size)) == list(range(0, 1400, 2))
    endless = pool.map(double, itertools.count(), buffersize=4)
    assert [next(endless) for _ in range(20)] == list(range(0, 40, 2))
    endless.close()
    results = pool.map(int, ["1", "x", "3"], chunksize=3)
    assert next(results) == 1
    try:
        next(results)
    except ValueError:
        pass
    else:
        raise AssertionError
    start, go = time.monotonic(), interlane.Event()
    try:
        list(pool.map(when, [go], timeout=0.2))
    except TimeoutError:
        assert time.monotonic() - start < 60
    else:
        raise AssertionError
    go.set()
    # Closing an iterator cancels the rest.
    results = pool.map(nap, [0.01] + [1] * 100)
    next(results)
    results.close()
    def broken():
        yield 1
        raise LookupError
    try:
        pool.map(double, broken())
    except LookupError:
        pass
    for wrong in ({"chunksize": 0}, {"buffersize": 0}):
        try:
            pool.map(double, [1], **wrong)
        except ValueError:
            pass
        else:
            raise AssertionError
""",
    )


def test_shutdown_finishes_or_cancels_what_is_queued(run_child: RunChild) -> None:
    check(
        run_child,
        """
pool = InterpreterPoolExecutor(1)
queued = [pool.submit(nap, 0.05, i) for i in range(5)]
pool.shutdown(wait=False)
for late in (lambda: pool.submit(double, 1), lambda: pool.map(double, [1])):
    try:
        late()
    except RuntimeError as error:
        assert "after shutdown" in str(error), error
    else:
        raise AssertionError
assert [f.result(60) for f in queued] == [0, 1, 2, 3, 4]
pool.shutdown()

pool = InterpreterPoolExecutor(1)
pool.prestart()
go = interlane.Event()
running = pool.submit(when, go, 1)
while not running.running(): time.sleep(0.001)
queued = [pool.submit(nap, 5) for i in range(5)]
mapped = pool.map(nap, [5, 5])
pool.shutdown(wait=False, cancel_futures=True)
go.set()
assert running.result() == 1 and all(f.cancelled() for f in queued)
try:
    next(mapped)
except cf.CancelledError:
    pass
else:
    raise AssertionError
pool.shutdown()
InterpreterPoolExecutor(1).shutdown()  # one that never had a task
""",
    )


@pytest.mark.parametrize("kept", [True, False])
def test_a_pool_left_open_does_its_tasks_before_the_process_ends(run_child: RunChild, kept: bool) -> None:
    out = check(
        run_child,
        f"""
pool = InterpreterPoolExecutor(2)
pool.submit(double, 2).add_done_callback(lambda f: print("told", f.result()))
pool.submit(nap, 0.2)
future = pool.submit(nap, 0.1, 5)
future.add_done_callback(lambda f: print("late", f.result()))
if not {kept}:
    del pool
""",
    )
    assert "told 4" in out
    assert "late 5" in out


def test_idle_pools_and_endless_maps_left_open_do_not_hang(run_child: RunChild) -> None:
    check(
        run_child,
        """
import itertools
pools = [InterpreterPoolExecutor(2) for _ in range(3)]
for pool in pools: pool.prestart()
endless = pools[0].map(double, itertools.count(), buffersize=4)
next(endless)
""",
    )


def test_ctrl_c_in_the_middle(run_child: RunChild) -> None:
    out = run_child(
        START
        + """
import signal
def interrupt():
    time.sleep(0.5)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # no other thread would wake it
start = time.monotonic()
try:
    with InterpreterPoolExecutor(2) as pool:
        pool.prestart()
        futures = [pool.submit(nap, 1.0) for _ in range(300)]
        threading.Thread(target=interrupt).start()
        futures[-1].result()
except KeyboardInterrupt:
    # All of them would take two minutes and a half.
    assert time.monotonic() - start < 60, time.monotonic() - start
    print("interrupted", sum(f.cancelled() for f in futures) > 150)
""",
        timeout=100,
    )
    assert "interrupted True" in out


def test_ctrl_c_loses_no_result(run_child: RunChild) -> None:
    check(
        run_child,
        """
import os, signal, random
random.seed(5)
stop = threading.Event()
def interrupt():
    while not stop.is_set():
        time.sleep(random.random() / 100)
        os.kill(os.getpid(), signal.SIGINT)
def handler(*_):  # once in each try, and nowhere else
    global armed
    if armed:
        armed = False
        raise KeyboardInterrupt
armed = False
signal.signal(signal.SIGINT, handler)
pool = InterpreterPoolExecutor(2)
pool.prestart()
futures = []
thread = threading.Thread(target=interrupt)
hits = 0
thread.start()
end = time.monotonic() + 1
while time.monotonic() < end or hits < 20:
    try:
        armed = True
        future = pool.submit(double, len(futures))
        futures.append((future, 2 * len(futures)))
        future.result()
        armed = False
    except KeyboardInterrupt:
        hits += 1
stop.set()
thread.join()
for future, expected in futures:
    assert future.result(60) in (expected, expected + 2, expected - 2), (future, expected)
pool.shutdown()
""",
    )


def test_an_exception_leaves_the_block_without_a_hang(run_child: RunChild) -> None:
    check(
        run_child,
        """
try:
    with InterpreterPoolExecutor(2) as pool:
        future = pool.submit(nap, 0.1, 1)
        raise LookupError
except LookupError:
    assert future.result() == 1
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


def test_a_pool_inside_a_worker(run_child: RunChild) -> None:
    check(
        run_child,
        """
def inner(n):
    import interlane
    with interlane.InterpreterPoolExecutor(1) as pool:
        return sum(pool.map(abs, range(n)))
with InterpreterPoolExecutor(1) as pool:
    assert pool.submit(inner, 10).result(60) == 45
""",
    )


def test_bad_arguments(run_child: RunChild) -> None:
    check(
        run_child,
        """
for kwargs, error in (
    ({"max_workers": 0}, ValueError), ({"max_workers": -1}, ValueError), ({"initializer": 3}, TypeError),
    ({"max_workers": "2"}, TypeError), ({"max_workers": 1.5}, TypeError),
):
    try:
        InterpreterPoolExecutor(**kwargs)
    except error:
        pass
    else:
        raise AssertionError(kwargs)
""",
    )


def test_nothing_is_left_when_the_pool_has_gone(run_child: RunChild) -> None:
    check(
        run_child,
        """
import gc
def make(n): return "x" * n
for _ in range(3):
    with InterpreterPoolExecutor(2) as pool:
        texts = ["y" * 100_000 for _ in range(20)]
        assert sum(map(len, pool.map(make, [100_000] * 20))) == 2_000_000
        assert list(pool.map(len, texts)) == [100_000] * 20
        forgotten = [pool.submit(make, 100_000) for _ in range(20)]
        del forgotten
    del pool, texts
gc.collect()
interlane.wait_released(60)
deadline = time.monotonic() + 60
while interlane.stats().live and time.monotonic() < deadline:
    time.sleep(0.01)
assert interlane.stats().live == 0, interlane.shares()
""",
    )
