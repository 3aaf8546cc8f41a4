"""`interlane.compat`: queues and channels with the standard library's names and semantics."""

import array
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import interpreters
from interlane.compat import channels, queues

# Cases of CPython's that look at how CPython does it.
PRIVATE = {
    "test_queues": {
        "TestQueueOps.test_timeout_uses_monotonic_clock": "replaces the module's `time`, by which it polls",
    },
    "test_channels": {
        "TestRecvChannelAttrs.test_id_type": "asks for the extension's own class of ids",
        "TestSendChannelAttrs.test_id_type": "asks for the extension's own class of ids",
    },
}

_RUN = """
import sys, unittest
name, private = sys.argv[1], sys.argv[2].split()
def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        elif test.id().removeprefix(f"test.test_interpreters.{name}.") not in private:
            yield test
module = __import__(f"test.test_interpreters.{name}", fromlist=["*"])
# Ours are in place, and not the originals.
there = getattr(module, "queues", None) or module.channels
assert "interlane" in there.__file__, there
suite = unittest.TestSuite(cases(unittest.defaultTestLoader.loadTestsFromModule(module)))
result = unittest.TextTestRunner(verbosity=2).run(suite)
sys.exit(not (result.wasSuccessful() and result.testsRun > 25))
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="the modules have these names from 3.14 on")
@pytest.mark.parametrize("name", PRIVATE)
def test_cpythons_own_tests_pass(name: str) -> None:
    pytest.importorskip("test.test_interpreters", reason="this Python comes without its tests")
    folder = Path(__file__).parent / "cpython"
    run = subprocess.run(
        [sys.executable, "-c", _RUN, name, " ".join(PRIVATE[name])],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("timeout", [0.03, 0.2])
def test_timeouts_have_fractions(timeout: float) -> None:
    queue = queues.create(1)
    recv, send = channels.create()
    queue.put("there")
    for error, call in (
        (queues.QueueFull, lambda: queue.put(1, timeout=timeout)),
        (TimeoutError, lambda: recv.recv(timeout)),
        (TimeoutError, lambda: send.send(1, timeout)),
    ):
        best = 1e9
        for _ in range(10):
            began = time.monotonic()
            with pytest.raises(error):
                call()
            best = min(best, time.monotonic() - began)
            if best < timeout + 0.5:
                break
        assert timeout <= best < timeout + 0.5
    with pytest.raises(ValueError, match="negative"):
        queue.get(timeout=-1)
    assert queue.get() == "there"
    with pytest.raises(queues.QueueEmpty):
        queue.get(timeout=0)


def test_a_send_that_gave_up_has_left_nothing() -> None:
    recv, send = channels.create()
    with pytest.raises(TimeoutError):
        send.send("late", timeout=0.01)
    assert recv.recv_nowait("nothing") == "nothing"


def test_a_send_returns_when_its_item_was_received() -> None:
    recv, send = channels.create()
    send.send_nowait("first")
    order: list[str] = []
    sender = threading.Thread(target=lambda: (send.send("second", 100), order.append("sent")))
    sender.start()
    assert recv.recv() == "first"
    time.sleep(0.05)
    assert order == []
    assert recv.recv(100) == "second"
    sender.join(100)
    assert order == ["sent"]


def test_closing_wakes_all_that_wait() -> None:
    recv, send = channels.create()
    seen: list[BaseException] = []

    def wait() -> None:
        try:
            recv.recv(100)
        except channels.ChannelClosedError as error:
            seen.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    send.close()
    for thread in threads:
        thread.join(100)
    assert len(seen) == 3
    with pytest.raises(channels.ChannelClosedError):
        recv.recv()
    with pytest.raises(channels.ChannelClosedError):
        send.send_nowait(1)
    with pytest.raises(channels.ChannelClosedError):
        send.close()


def test_a_channel_that_closes_is_drained_first() -> None:
    recv, send = channels.create()
    send.send_nowait(1)
    with pytest.raises(channels.ChannelNotEmptyError):
        recv.close()
    send.close()
    assert send.is_closed
    assert not recv.is_closed
    assert recv.recv() == 1
    with pytest.raises(channels.ChannelClosedError):
        recv.recv()
    assert recv.is_closed


def test_items_of_an_ended_interpreter() -> None:
    queue = queues.create(3)
    ended = interpreters.create()
    ended.prepare_main(queue=queue)
    ended.exec("""if True:
        from interlane.compat import queues
        queue.put(["kept"], unbounditems=queues.UNBOUND)
        queue.put("x" * 100_000, unbounditems=queues.UNBOUND_ERROR)
        queue.put(b"gone", unbounditems=queues.UNBOUND_REMOVE)
    """)
    # Waits for room, which the item that goes will make.
    putter = threading.Thread(target=queue.put, args=("ours",))
    putter.start()
    ended.close()
    putter.join(100)
    assert not putter.is_alive()
    assert queue.get() is queues.UNBOUND
    with pytest.raises(queues.ItemInterpreterDestroyed):
        queue.get()
    assert queue.get(timeout=100) == "ours"
    assert queue.qsize() == 0


def test_ends_and_queues_travel_and_pickle() -> None:
    queue = queues.create()
    recv, send = channels.create()
    carrier, arrives = interlane.create_channel()
    carrier.send({"queue": queue, "recv": recv, "send": send})
    arrived = arrives.recv()
    assert arrived["queue"] is queue
    assert (arrived["recv"], arrived["send"]) == (recv, send)
    assert pickle.loads(pickle.dumps(queue)) is queue
    assert pickle.loads(pickle.dumps(send)) == send
    # On the way alone, a queue is kept with what is in it.
    other = queues.create()
    other.put("inside")
    carrier.send(other)
    del other
    assert arrives.recv().get_nowait() == "inside"


def test_a_queue_goes_with_its_last_object() -> None:
    queue = queues.create()
    number = queue.id
    assert queue in queues.list_all()
    del queue
    with pytest.raises(queues.QueueNotFoundError):
        queues.Queue(number)
    # Nor is a channel of another kind one.
    plain, _recv = interlane.create_channel()
    with pytest.raises(queues.QueueNotFoundError):
        queues.Queue(plain.id)
    with pytest.raises(channels.ChannelNotFoundError):
        channels.RecvChannel(plain.id).recv()


def test_threads_that_let_go_of_a_queue_and_find_it_again_do_not_break_it(run_child: Any) -> None:
    run_child("""
import interlane, sys, threading
from interlane.compat import queues
sys.setswitchinterval(1e-6)
carrier, _arrives = interlane.create_channel()
queue = queues.create()
number = queue.id
carrier.send(queue)  # on its way it is kept
del queue
failed = []

def use():
    try:
        for _ in range(5000):
            queues.Queue(number).put(None)
    except queues.QueueError as error:
        failed.append(error)

threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
assert queues.Queue(number).qsize() == 15000
""")


@pytest.mark.parametrize(
    "thing", [[1, bytearray(b"copied")], bytearray(b"copied"), array.array("d", [1.5]), {"a": (1, {2})}]
)
def test_buffers_are_copied_and_keep_their_type(thing: Any) -> None:
    queue = queues.create()
    queue.put(thing)
    arrived = queue.get()
    assert type(arrived) is type(thing)
    assert arrived == thing
    assert arrived is not thing


def test_a_memoryview_shares_its_memory_and_may_be_written_to() -> None:
    queue = queues.create()
    memory = bytearray(b"....")
    queue.put(memoryview(memory))
    arrived = queue.get()
    arrived[0:2] = b"!!"
    assert memory == b"!!.."
    queue.put(memoryview(b"fixed"))
    assert queue.get().readonly


def test_what_can_be_neither_shared_nor_pickled_is_refused_and_nothing_is_put() -> None:
    queue = queues.create()
    with pytest.raises(interlane.NotShareableError, match="lock"):
        queue.put([threading.Lock()])
    assert queue.empty()
