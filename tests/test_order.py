"""Order, fairness and back-pressure of channels over several interpreters."""

import json
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Any, NamedTuple

import interlane
import pytest


class Call(NamedTuple):
    """One item that a call sent or received, and when the call began and ended."""

    item: int
    began: int
    ended: int


def violation(sent: list[Call], received: list[Call], capacity: int | None) -> str | None:
    """Why this is no history of a queue that ends empty; None if it could be one.

    Of an unbounded queue whose items differ, a history is linearizable if and only if it has none of the
    first three (Henzinger, Sezgin and Vafeiadis, 2013). Of a bounded one, not more than fit were ever there.
    """
    sends = {call.item: call for call in sent}
    receives = {call.item: call for call in received}
    if sorted(call.item for call in received) != sorted(sends):
        return "an item was lost, repeated or invented"
    early = [item for item, call in receives.items() if call.ended < sends[item].began]
    if early:
        return f"{early} were received before they were sent"
    return _overtaking(sends, receives) or _overflow(sends, receives, capacity)


def _overtaking(sends: dict[int, Call], receives: dict[int, Call]) -> str | None:
    # Of those whose send had ended before that of `item` began, none may be received strictly later.
    by_end = sorted(sends.values(), key=lambda call: call.ended)
    latest = list(accumulate((receives[call.item].began for call in by_end), max))
    ends = [call.ended for call in by_end]
    for item, call in sends.items():
        earlier = bisect_left(ends, call.began)
        if earlier and latest[earlier - 1] > receives[item].ended:
            return f"{item} overtook another item"
    return None


def _overflow(sends: dict[int, Call], receives: dict[int, Call], capacity: int | None) -> str | None:
    if capacity is None:
        return None
    if capacity == 0:
        alone = [item for item, call in sends.items() if call.ended < receives[item].began]
        return f"the rendezvous of {alone} were none" if alone else None
    begins = sorted(call.began for call in receives.values())
    for count, end in enumerate(sorted(call.ended for call in sends.values()), 1):
        if count - bisect_right(begins, end) > capacity:
            return f"{count} sends had ended with too few receives begun"
    return None


def calls(*triples: tuple[int, int, int]) -> list[Call]:
    return [Call(*it) for it in triples]


@pytest.mark.parametrize(
    ("sent", "received", "capacity", "reason"),
    [
        (calls((1, 0, 1)), [], None, "lost"),
        (calls((1, 0, 1)), calls((1, 2, 3), (1, 4, 5)), None, "repeated"),
        (calls((1, 5, 6)), calls((1, 0, 1)), None, "before they were sent"),
        (calls((1, 0, 1), (2, 2, 3)), calls((2, 4, 5), (1, 6, 7)), None, "2 overtook"),
        (calls((1, 0, 1), (2, 2, 3), (3, 2, 9)), calls((3, 4, 9), (2, 4, 5), (1, 6, 7)), 9, "2 overtook"),
        (calls((1, 0, 1)), calls((1, 2, 3)), 0, "rendezvous"),
        (calls((1, 0, 1), (2, 2, 3)), calls((1, 4, 5), (2, 6, 7)), 1, "2 sends"),
    ],
)
def test_the_check_notices_what_no_queue_would_do(
    sent: Any, received: Any, capacity: Any, reason: str
) -> None:
    assert reason in str(violation(sent, received, capacity))


def test_the_check_lets_pass_what_a_queue_may_do() -> None:
    assert violation(calls((1, 0, 1), (2, 2, 3)), calls((1, 4, 5), (2, 6, 7)), 2) is None
    # At the same time is in either order.
    assert violation(calls((1, 0, 3), (2, 2, 3)), calls((2, 4, 5), (1, 6, 7)), None) is None
    assert violation(calls((1, 0, 1), (2, 2, 3)), calls((2, 4, 7), (1, 6, 7)), None) is None
    assert violation(calls((1, 0, 3)), calls((1, 2, 3)), 0) is None


@pytest.mark.parametrize("capacity", [None, 0, 1, 5])
def test_histories_over_interpreters_are_linearizable(run_child: Any, capacity: int | None) -> None:
    out = run_child(
        """
        import interlane, json, sys, threading
        capacity, seed = json.loads(sys.argv[1]), 20261128
        send, recv = interlane.create_channel(capacity)
        said, heard = interlane.create_channel()
        start = interlane.Barrier(6)
        CODE = '''
        import interlane, random, threading, time
        now = time.monotonic_ns
        def produce(first, seed):
            rng, calls = random.Random(seed), []
            items = list(range(first, first + 300))
            with send:
                start.wait()
                while items:
                    count = rng.choice([1, 1, 1, 4])
                    batch, items = items[:count], items[count:]
                    began = now()
                    if count == 1:
                        send.send(batch[0])
                        calls += [(batch[0], began, now())]
                    else:
                        send.send_many(batch)
                        calls += [(item, began, now()) for item in batch]
                    if rng.random() < 0.05:
                        time.sleep(0.0003)
            said.send(("sent", calls))
        def consume(seed):
            rng, calls = random.Random(seed), []
            start.wait()
            try:
                while True:
                    began = now()
                    batch = [recv.recv()] if rng.random() < 0.7 else recv.recv_many(3)
                    ended = now()
                    calls += [(item, began, ended) for item in batch]
            except interlane.EndOfChannel:
                said.send(("received", calls))
        threads = [threading.Thread(target=produce, args=(place * 1000, place)),
                   threading.Thread(target=consume, args=(place + 100,))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        '''
        interps, threads = [], []
        for place in range(3):
            interp = interlane.interpreters.create()
            interp.prepare_main(send=send, recv=recv, said=said, start=start, place=seed + place)
            threads.append(threading.Thread(target=interp.exec, args=(CODE,)))
            interps.append(interp)
        send.close()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for interp in interps:
            interp.close()
        print(json.dumps(heard.recv_many()))
        """,
        json.dumps(capacity),
    )
    history: dict[str, list[Call]] = {"sent": [], "received": []}
    for what, done in json.loads(out):
        history[what] += calls(*done)
    assert len(history["sent"]) == 900
    assert violation(history["sent"], history["received"], capacity) is None


EIGHT = """
import interlane, threading, time
def until(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.0005)
def eight(code, **shared):
    '''Eight threads that run work(number), two in each of four interpreters.'''
    interps = [interlane.interpreters.create() for _ in range(4)]
    threads = []
    for place, interp in enumerate(interps):
        interp.prepare_main(place=place, **shared)
        run = code + '''
threads = [threading.Thread(target=work, args=(2 * place + half,)) for half in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
'''
        threads.append(threading.Thread(target=interp.exec, args=("import interlane, threading\\n" + run,)))
    for thread in threads:
        thread.start()
    def finish():
        for thread, interp in zip(threads, interps):
            thread.join()
            interp.close()
    return finish
def check(turns):
    assert sorted(turns[:8]) == list(range(8)), turns
    assert turns == turns[:8] * (len(turns) // 8), turns
"""


def test_eight_senders_in_four_interpreters_take_turns(run_child: Any) -> None:
    run_child(
        EIGHT
        + """
for capacity in (0, 3):
    send, recv = interlane.create_channel(capacity)
    send.send_many(range(capacity))
    finish = eight('''
def work(number):
    try:
        while True:
            send.send(number)
    except interlane.BrokenChannel:
        pass
''', send=send)
    turns = []
    for _ in range(capacity + 80):
        until(lambda: recv.statistics().waiting_senders == 8)   # all of them are in line again
        turns.append(recv.recv())
    recv.close()
    finish()
    check(turns[capacity:])
"""
    )


def test_eight_receivers_in_four_interpreters_take_turns(run_child: Any) -> None:
    run_child(
        EIGHT
        + """
for capacity in (0, 3, None):
    send, recv = interlane.create_channel(capacity)
    said, heard = interlane.create_channel()
    finish = eight('''
def work(number):
    for _ in recv:
        said.send(number)
''', recv=recv, said=said)
    turns = []
    for _ in range(80):
        until(lambda: send.statistics().waiting_receivers == 8)
        send.send_nowait(None)
        turns.append(heard.recv())
    send.close()
    finish()
    check(turns)
"""
    )


@pytest.mark.parametrize("capacity", [0, 1, 7])
def test_a_channel_never_holds_more_than_its_capacity(run_child: Any, capacity: int) -> None:
    out = run_child(
        EIGHT
        + """
import sys
capacity = int(sys.argv[1])
send, recv = interlane.create_channel(capacity)
finish = eight('''
def work(number):
    if number % 2:
        for item in range(500):
            if item % 3:
                send.send(item)
            else:
                assert send.send_many([item] * 5) == 5
        mine.close() if number == 7 else None
    else:
        got = 0
        while got < 1168:
            got += len(recv.recv_many(min(9, 1168 - got)) if got % 2 else [recv.recv()])
''', send=send, recv=recv, mine=send.clone())
samples = most = 0
while (now := recv.statistics()).received < 4 * 1168:
    assert now.buffered <= capacity and len(recv) <= capacity, now
    assert now.sent - now.received == now.buffered, now
    samples, most = samples + 1, max(most, now.buffered)
finish()
print(samples > 0, most <= capacity)
""",
        str(capacity),
    )
    assert out.split() == ["True", "True"]


def stopped_send_many(
    send: Any, items: Any, error: Any, timeout: float | None = None
) -> tuple[int, list[Any]]:
    with pytest.raises(error) as caught:
        send.send_many(items, timeout)
    return caught.value.sent, caught.value.unsent


def test_send_many_tells_what_went_when_time_is_up_or_an_item_cannot() -> None:
    send, recv = interlane.create_channel(3)
    assert stopped_send_many(send, range(10), TimeoutError, 0.01) == (3, [3, 4, 5])
    assert stopped_send_many(send, iter("ab"), TimeoutError, 0) == (0, ["a", "b"])
    assert recv.recv_many() == [0, 1, 2]
    # The rest of the iterable is the caller's, and nothing of it is lost.
    items = iter(range(5))
    sent, unsent = stopped_send_many(send, items, TimeoutError, 0.01)
    assert [*recv.recv_many(), *unsent, *items] == list(range(5))
    assert sent == 3
    bad = object()
    assert stopped_send_many(send, [1, 2, bad, 3], interlane.NotShareableError) == (2, [bad])
    assert recv.recv_many() == [1, 2]

    def failing() -> Any:
        yield 1
        raise ZeroDivisionError

    assert stopped_send_many(send, failing(), ZeroDivisionError) == (1, [])
    assert recv.recv_many() == [1]
    send.close()
    assert stopped_send_many(send, [1, 2], interlane.ClosedError) == (0, [1, 2])
    recv.close()


def test_send_many_tells_what_went_of_items_of_each_kind() -> None:
    items = [1, "a", True, 2**70, -1, None, 2**63 - 1, 1.5, -(2**63), 2**63, {"b": 2}, 300]
    for room in range(len(items)):
        send, recv = interlane.create_channel(len(items) + 1)
        send.send_many([None] * (len(items) + 1 - room))
        unsent = items[room:]
        assert stopped_send_many(send, items, TimeoutError, 0) == (room, unsent)
        assert recv.recv_many()[-room - 1 :] == [None, *items[:room]]
        bad = object()
        assert stopped_send_many(send, [*unsent, bad], interlane.NotShareableError) == (len(unsent), [bad])
        recv.close()
        assert stopped_send_many(send, [*unsent, bad], interlane.BrokenChannel) == (0, [*unsent, bad])
        send.close()


@pytest.mark.parametrize("which", ["the receiver", "its own handle"])
def test_send_many_tells_what_went_when_a_close_ends_it(run_child: Any, which: str) -> None:
    run_child(
        """
        import interlane, sys, threading, time
        send, recv = interlane.create_channel(2)
        def close():
            while send.statistics().waiting_senders == 0:
                time.sleep(0.001)
            assert recv.recv() == 0
            while send.statistics().waiting_senders == 0:
                time.sleep(0.001)
            (recv if sys.argv[1] == "the receiver" else send).close()
        thread = threading.Thread(target=close)
        thread.start()
        try:
            send.send_many(range(4))
        except interlane.BrokenChannel as error:
            assert sys.argv[1] == "the receiver"
            failure = error
        except interlane.ClosedError as error:
            assert sys.argv[1] == "its own handle"
            failure = error
        thread.join()
        assert (failure.sent, failure.unsent) == (3, [3]), (failure.sent, failure.unsent)
        """,
        which,
    )
