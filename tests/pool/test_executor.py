"""`InterpreterPoolExecutor`: what becomes of tasks, submitted one by one or by `map`."""

from tests.conftest import RunChild
from tests.pool.conftest import check


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
