"""What else a pool promises: of pickling, of big data, of Ctrl-C wherever one waits."""

import importlib.util

import pytest

from tests.conftest import RunChild
from tests.pool.conftest import START, check

MODULE = '''
class Picky:
    """Cannot be put together in the main interpreter, or nowhere else."""

    def __init__(self, main):
        self.main = main

    def __reduce__(self):
        return put_together, (self.main,)


class Stubborn:
    def __getstate__(self):
        raise ZeroDivisionError("no state")


class Demanding(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")
        self.first = first


class Odd(BaseException):
    pass


def put_together(main):
    from interlane import interpreters

    if (interpreters.get_current() == interpreters.get_main()) == main:
        raise LookupError("not here")
    return Picky(main)


def same(x):
    return x


def fail(kind, *args):
    raise kind(*args)
'''


def test_pickling_that_fails_fails_its_task_alone(run_child: RunChild, tmp_path) -> None:
    (tmp_path / "things.py").write_text(MODULE)
    check(
        run_child,
        f"""
import pickle
sys.path.insert(0, {str(tmp_path)!r})
from things import Demanding, Picky, Odd, Stubborn, fail, same
with InterpreterPoolExecutor(1) as pool:
    def raised(*call):
        error = pool.submit(*call).exception(60)
        assert error is not None
        return error
    assert isinstance(raised(same, Picky(False)), LookupError)      # there
    assert isinstance(raised(Picky, True), LookupError)             # here
    assert isinstance(raised(same, Stubborn()).__cause__, ZeroDivisionError)
    assert isinstance(raised(Stubborn).__cause__, ZeroDivisionError)
    error = raised(fail, Demanding, 1, 2)
    assert type(error) is Demanding and error.args == ("1 and 2",) and error.first == 1
    assert type(raised(fail, Odd)) is Odd and type(raised(fail, GeneratorExit)) is GeneratorExit
    assert raised(fail, StopIteration, 3).value == 3
    error = raised(fail, ExceptionGroup, "both", [ValueError(1), TypeError(2)])
    assert [type(part) for part in error.exceptions] == [ValueError, TypeError]
    results = pool.map(Picky, [False, True, False])
    assert next(results).main is False
    try:
        next(results)
    except LookupError:
        pass
    else:
        raise AssertionError
    for obj in (pool, pool.submit(same, 1)):
        try:
            pickle.dumps(obj)
        except TypeError:
            pass
        else:
            raise AssertionError
    assert "InterpreterPoolExecutor" in str(raised(same, pool))
    assert pool.submit(same, Demanding("a", "b")).result().first == "a"
""",
    )


def test_running_out_of_stack_in_python_and_in_c_fails_the_task_alone(run_child: RunChild) -> None:
    check(
        run_child,
        """
def nested(n):
    found = []
    for _ in range(n):
        found = [found]
    return found

def written(n):
    return len(repr(nested(n)))

def called(n):
    return called(n + 1)

def depth(found):
    n = 0
    while found:
        found, n = found[0], n + 1
    return n

with InterpreterPoolExecutor(1) as pool:
    before = pool.submit(where).result()
    assert isinstance(pool.submit(written, 200_000).exception(60), RecursionError)
    assert isinstance(pool.submit(called, 0).exception(60), RecursionError)
    # There and back, or not: what is that deep may be refused, and that is all.
    for n in (10, 1000, 100_000):
        for ask, count in ((pool.submit(depth, nested(n)), lambda x: x), (pool.submit(nested, n), depth)):
            error = ask.exception(60)
            if error is None:
                assert count(ask.result()) == n
            else:
                assert n > 100 and isinstance(error, (RecursionError, interlane.NotShareableError)), error
    assert pool.submit(where).result() == before
""",
    )


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="NumPy is not installed")
def test_numpy_refuses_and_its_arrays_are_not_copied(run_child: RunChild) -> None:
    check(
        run_child,
        """
import numpy
def watch(view, ready, go):
    ready.send(view.nbytes)
    go.recv(60)
    return view[0]
with InterpreterPoolExecutor(1) as pool:
    assert isinstance(pool.submit(__import__, "numpy").exception(), ImportError)
    array = numpy.zeros(10_000_000)
    send, ready = interlane.create_channel()
    go, recv = interlane.create_channel()
    future = pool.submit(watch, array, send, recv)
    assert ready.recv(60) == 80_000_000
    array[0] = 7  # seen there
    go.send(None)
    assert future.result() == 7
    for end in (send, ready, go, recv):
        end.close()
""",
    )


def test_a_gibibyte_goes_there_and_back_without_a_copy(run_child: RunChild, tmp_path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.seek((1 << 30) - 4)
        file.write(b"end!")
    check(
        run_child,
        f"""
def rss():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) >> 10

def look(data, start):
    return type(data).__name__, len(data), data[-4:], data[start:]

data = interlane.SharedBytes.map_file({str(tmp_path / "large")!r})
with InterpreterPoolExecutor(2) as pool:
    pool.prestart()
    before = rss()
    parts = [pool.submit(look, data, 1 << 20) for _ in range(20)]
    for kind, length, end, part in (future.result() for future in parts):
        assert (kind, length, end) == ("SharedBytes", 1 << 30, b"end!")
        assert len(part) == (1 << 30) - (1 << 20) and part[-4:] == b"end!"
    assert rss() - before < 200, (before, rss())
""",
    )


def test_interpreters_start_at_the_same_time(run_child: RunChild) -> None:
    # Each initializer waits for the others.
    check(
        run_child,
        """
def meet(barrier):
    barrier.wait(60)
with InterpreterPoolExecutor(3, initializer=meet, initargs=(interlane.Barrier(3),)) as pool:
    assert sorted(pool.map(double, range(3))) == [0, 2, 4]
""",
    )


def test_a_callback_that_raises_is_logged_and_that_is_all(run_child: RunChild) -> None:
    check(
        run_child,
        """
import logging
records = []
handler = logging.Handler()
handler.emit = records.append
logging.getLogger("concurrent.futures").addHandler(handler)
with InterpreterPoolExecutor(1) as pool:
    future = pool.submit(nap, 0.1, 1)
    told = []
    future.add_done_callback(lambda f: 1 / 0)
    future.add_done_callback(told.append)
    assert future.result() == 1
assert told == [future] and len(records) == 1
""",
    )


WAITS = {
    "map": "list(pool.map(nap, [1.0] * 300))",
    "wait": "cf.wait([pool.submit(nap, 1.0) for _ in range(300)])",
    "as_completed": "list(cf.as_completed([pool.submit(nap, 1.0) for _ in range(300)]))",
    "asubmit": "asyncio.run(gather())",
    "amap": "asyncio.run(iterate())",
    "the end of the block": "[pool.submit(nap, 1.0) for _ in range(300)]",
}


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_every_wait(run_child: RunChild, wait: str) -> None:
    run_child(
        START
        + f"""
import asyncio, signal

async def gather():
    await asyncio.gather(*(pool.asubmit(nap, 1.0) for _ in range(300)))

async def iterate():
    return [x async for x in pool.amap(nap, [1.0] * 300)]

def interrupt():
    time.sleep(0.5)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # no other thread would wake it

start = time.monotonic()
try:
    with InterpreterPoolExecutor(2) as pool:
        pool.prestart()
        threading.Thread(target=interrupt).start()
        {WAITS[wait]}
except KeyboardInterrupt:
    pass
else:
    raise AssertionError
assert time.monotonic() - start < 60  # all of them would take two minutes and a half
""",
        timeout=100,  # nor does the end of the process wait for what has not begun
    )
