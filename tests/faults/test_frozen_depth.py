"""Frozen data that is nested very deeply, or too large: an exception at worst."""

import pytest

NEST = """
import sys, threading, interlane
from interlane import freeze

def nest(make, depth):
    value = make(1)
    for _ in range(depth):
        value = make(value)
    return value

def attempt(call, *errors):
    try:
        return call()
    except errors:
        return None
"""


@pytest.mark.parametrize(
    "make",
    ["lambda x: [x]", "lambda x: (x,)", "lambda x: {'k': x}", "lambda x: frozenset([x])"],
)
@pytest.mark.parametrize("threaded", [False, True])
def test_a_depth_of_100_000_overflows_no_stack(run_child, make, threaded):
    out = run_child(
        NEST
        + f"""
def main():
    value = nest({make}, 100_000)
    frozen = freeze(value)
    again = freeze([frozen])
    thawed = frozen.thaw()
    assert len(repr(frozen)) < 1000, repr(frozen)
    attempt(lambda: frozen == freeze(value), RecursionError)
    attempt(lambda: frozen == value, RecursionError)
    attempt(lambda: value == frozen, RecursionError)
    attempt(lambda: hash(frozen), RecursionError, TypeError)
    attempt(lambda: frozen in freeze([1]), RecursionError)
    attempt(lambda: frozen in freeze({{1: 2}}), RecursionError, TypeError)
    send, recv = interlane.create_channel()
    send.send(frozen)
    del frozen
    got = recv.recv()
    depth = 0
    while not isinstance(got, int):
        depth, got = depth + 1, next(iter(got.values() if hasattr(got, "values") else got))
    # One by one: what CPython's own deallocation does with such depth is not what is tested.
    for value in (value, thawed):
        depth2 = 0
        while not isinstance(value, int):
            depth2, value = depth2 + 1, next(iter(value.values() if hasattr(value, "values") else value))
        assert depth == depth2 == 100_001, (depth, depth2)
    print("done")

if {threaded}:
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
else:
    main()
"""
    )
    assert out == "done\n"


def test_running_out_of_memory_is_a_memory_error(run_child):
    out = run_child(
        """
import resource, interlane
value = [float(n) for n in range(1_000_000)]
send, recv = interlane.create_channel()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 12_000_000, -1))
for thing in (value, {"k": b"x" * 5_000_000, "more": value}):
    try:
        interlane.freeze(thing)
    except MemoryError:
        print("refused")
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
assert interlane.freeze(value) == value
assert interlane.stats().live == 0
"""
    )
    assert out == "refused\nrefused\n"


def test_nothing_that_the_objects_do_is_run_while_they_are_frozen(run_child):
    run_child(
        """
import interlane

class Liar(str):
    def __eq__(self, other):
        raise SystemExit("was asked")
    __hash__ = str.__hash__

try:
    interlane.freeze({Liar("a"): 1})
except TypeError as error:
    assert "Liar is no plain data" in str(error), error
else:
    raise AssertionError
"""
    )
