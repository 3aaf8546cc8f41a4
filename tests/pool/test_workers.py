"""The workers of a pool: how they begin, and when another takes their place."""

import sys

import pytest

from tests.conftest import RunChild
from tests.pool.conftest import check


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


@pytest.mark.skipif(
    hasattr(sys, "gettotalrefcount") and sys.version_info[:2] == (3, 14),
    reason="debug builds of 3.14 abort, with an assertion of their own",
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
