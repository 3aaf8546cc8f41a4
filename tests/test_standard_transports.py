"""interlane's types travel by the standard library's means: queues, `prepare_main`, `call`, older ones."""

import sys
from typing import Any

import pytest

# What each version has: `elsewhere(code, thing)` runs code with the thing, `put` and `get` are a queue's.
TRANSPORT = """
import sys
import interlane
if sys.version_info >= (3, 13):
    if sys.version_info >= (3, 14):
        from concurrent import interpreters as standard
        queue = standard.create_queue()
        put = queue.put
    else:
        from test.support import interpreters as standard
        from test.support.interpreters import queues
        queue = queues.create()
        put = lambda thing: queue.put(thing, syncobj=True)  # else it pickles
    worker, get = standard.create(), queue.get
    def elsewhere(code, thing):
        worker.prepare_main(thing=thing)
        worker.exec(code)
else:
    import _xxinterpchannels, _xxsubinterpreters
    worker = _xxsubinterpreters.create()
    channel = _xxinterpchannels.create()
    put = lambda thing: _xxinterpchannels.send(channel, thing)
    get = lambda: _xxinterpchannels.recv(channel)
    def elsewhere(code, thing):
        failed = _xxsubinterpreters.run_string(worker, code, {"thing": thing})
        assert failed is None, failed

elsewhere("import interlane", None)
"""
THINGS = {
    "SendChannel": "interlane.create_channel()[0]",
    "RecvChannel": "interlane.create_channel()[1]",
    "Share": "interlane.share(bytearray(b'abc'))",
    "Proxy": "interlane.proxy([1, 2])",
    "SharedBytes": "interlane.SharedBytes(b'x' * 100_000)",
    "SharedStr": "interlane.SharedStr('x' * 100_000)",
    "SharedBuffer": "interlane.SharedBuffer.copy_of(b'abcdef')[::2]",
    "Lock": "interlane.Lock()",
    "Condition": "interlane.Condition()",
    "AtomicInt": "interlane.AtomicInt(5)",
    "FrozenDict": "interlane.freeze({'a': [1, 2]})",
    "FrozenList": "interlane.freeze([1, [2]])",
}
# What is the same about the two.
SAME = """
def same(one, other):
    assert type(one) is type(other), (one, other)
    if type(one).__name__ in ("SharedBytes", "SharedStr", "SharedBuffer", "FrozenDict", "FrozenList"):
        assert one == other
    elif type(one).__name__ == "Proxy":
        one.append(3)
        assert len(other) == len(one)
    else:
        assert one.id == other.id
"""


@pytest.mark.parametrize("name", THINGS)
def test_it_arrives_as_the_same_thing(run_child: Any, name: str) -> None:
    run_child(
        TRANSPORT
        + SAME
        + """
thing = eval(sys.argv[2])
put(thing)
same(thing, get())
send, recv = interlane.create_channel()
elsewhere(f'''if True:
    import interlane
    assert type(thing).__name__ == {sys.argv[1]!r}
    interlane.SendChannel.from_id({send.id}).send(thing)
    del thing
''', thing)
same(thing, recv.recv(timeout=60))
if sys.version_info >= (3, 14):
    same(thing, worker.call(lambda it: it, thing))
print("done")
import os
os._exit(0)  # with the interpreter open, as the test is not about its end
""",
        name,
        THINGS[name],
    )


@pytest.mark.skipif(sys.version_info < (3, 14), reason="older queues are private")
def test_what_a_queue_of_the_standard_library_still_has_is_let_go_of_with_it(run_child: Any) -> None:
    run_child(
        TRANSPORT
        + """
import gc, time
data = bytearray(100_000)
share = interlane.share(data)
put(share)
put(interlane.proxy(data))
share.close()
del share
assert interlane.stats().live == 2
del queue, put, get
gc.collect()
end = time.monotonic() + 60
while interlane.stats().live and time.monotonic() < end:
    time.sleep(0.002)
assert interlane.stats().live == 0, interlane.shares()
worker.close()
"""
    )
