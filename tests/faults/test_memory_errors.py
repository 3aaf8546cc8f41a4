"""Allocations of CPython's that fail, one after the other."""

import importlib.util

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("_testcapi") is None, reason="this CPython cannot make allocations fail"
)

FAILING = """
from _testcapi import remove_mem_hooks, set_nomemory
send, recv = interlane.create_channel()
pickled, unpickled = interlane.create_channel(fallback="pickle")
import pickle
from functools import partial
long, data, array = "x" * 100_000, b"y" * 100_000, bytearray(100_000)
nested = [{"key": (long, data, {1, 2.5, 1j}), "other": [array, frozenset([1 << 100])]}, "short", b"short"]
shared = interlane.SharedStr(long)
pickle.loads(pickle.dumps(complex, 5))

# Calls without any Python code in them: 3.12 and 3.13 crash by themselves when that runs out of memory.
things = [
    long, data, array, memoryview(array), nested, shared, send, recv,
    1 << 100, 1 << 40, 1j, 2.5, "short", b"short", [], {1: {2}},
]
calls = [(None, partial(send.send, thing)) for thing in things]
calls += [(partial(send.send, thing), recv.recv_nowait) for thing in things]
calls += [
    (None, partial(send.send_many, [long, nested, 5, data])),
    (partial(send.send_many, [long, nested, 5, data]), recv.recv_many),
    (partial(send.send, 1), partial(next, recv)),
    (None, partial(pickled.send, complex)),
    (partial(pickled.send, complex), unpickled.recv_nowait),
    (None, partial(interlane.create_channel, 3)),
    *((None, call) for call in (send.clone, recv.clone, recv.statistics, interlane.stats, interlane.collect)),
    (None, partial(repr, send)),
    *((None, partial(interlane.SharedStr, text)) for text in (long, "\xe9", shared)),
    # What raises anyway.
    (None, recv.recv_nowait), (None, partial(recv.recv, 0.0001)), (None, partial(recv.recv, "no")),
    (None, partial(send.send, object())), (None, partial(send.send_buffer, 5)),
    (None, partial(send.send, [long, {1: [object()]}])), (None, partial(send.send_many, [long, object()])),
    (None, partial(interlane.RecvChannel.from_id, 10**9)), (None, partial(interlane.create_channel, -1)),
]

EXPECTED = MemoryError, interlane.ChannelError, TypeError, ValueError, TimeoutError

def empty():
    for end in recv, unpickled:
        while len(end):
            end.recv()

failures = 0
for place, (prepare, call) in enumerate(calls):
    harmless = 0
    for number in range(1, 500):
        if prepare is not None:
            prepare()
        result = failure = None
        set_nomemory(number, number + 1)
        try:
            try:
                result = call()
            except BaseException as error:
                failure = error
        except MemoryError as error:  # out of the except clause
            failure = error
        remove_mem_hooks()
        assert failure is None or isinstance(failure, EXPECTED), (place, failure)
        # CPython swallows some failures, so one that makes no difference is not the last one.
        failures += isinstance(failure, MemoryError)
        harmless = 0 if isinstance(failure, MemoryError) else harmless + 1
        empty()
        if harmless > 20:
            break
    else:
        raise AssertionError(f"call {place} never has enough memory: {failure!r}")
    result = failure = None
    nothing_is_lost()
print(failures)
"""


def test_a_failed_allocation_raises_and_loses_no_share(run_child):
    # The hooks of debug allocators allocate by themselves.
    out = run_child(FAILING, timeout=115, env={"PYTHONMALLOC": "", "PYTHONDEVMODE": ""})
    assert int(out) > 50
