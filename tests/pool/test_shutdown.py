"""How a pool ends: shut down, left open, or interrupted by Ctrl-C or an exception."""

import pytest

from tests.conftest import RunChild
from tests.pool.conftest import START, check


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
