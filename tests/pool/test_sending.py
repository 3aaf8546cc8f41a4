"""What goes to the workers of a pool and back: functions of all kinds, arguments, results."""

import pytest

from tests.conftest import RunChild
from tests.pool.conftest import check


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
