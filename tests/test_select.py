"""`select`: one of several operations, and no trace of the others."""

import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import interlane
import pytest


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def waiting(*ends: Any) -> list[int]:
    figures = [end.statistics() for end in ends]
    return [it.waiting_senders + it.waiting_receivers for it in figures]


def test_select_receives_from_the_channel_that_has_an_item() -> None:
    (_s1, r1), (s2, r2) = interlane.create_channel(), interlane.create_channel()
    s2.send({"key": [1, 2]})
    selected = interlane.select(r1, r2)
    assert (selected.index, selected.end, selected.item) == (1, r2, {"key": [1, 2]})
    assert type(selected) is interlane.Selected
    index, end, item = selected
    assert (index, end, item) == selected
    with pytest.raises(AttributeError):
        selected.item = 3  # type: ignore[misc]


def test_select_sends_where_there_is_room() -> None:
    (s1, r1), (s2, r2) = interlane.create_channel(1), interlane.create_channel(1)
    s1.send("full")
    assert interlane.select((s1, "one"), (s2, "two")) == (1, s2, None)
    assert (r1.recv_many(), r2.recv_many()) == (["full"], ["two"])


def test_select_waits_for_the_first_to_come(pool: ThreadPoolExecutor) -> None:
    (s1, r1), (s2, r2), (full, out) = (interlane.create_channel(n) for n in (None, 0, 1))
    full.send(0)
    selecting = pool.submit(interlane.select, r1, r2, (full, 1), r1)
    wait_until(lambda: waiting(r1, r2, full) == [2, 1, 1])
    s2.send("item")
    assert selecting.result(60) == (1, r2, "item")
    assert waiting(r1, r2, full) == [0, 0, 0]
    assert out.recv_many() == [0]
    s1.close()


def test_select_times_out_and_leaves_no_trace() -> None:
    (_s1, r1), (full, out) = interlane.create_channel(), interlane.create_channel(1)
    full.send(0)
    shared = bytearray(100_000)
    for timeout in (0, 0.02):
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="2 operations"):
            interlane.select(r1, (full, shared), timeout=timeout)
        assert timeout <= time.monotonic() - start < timeout + 20
        assert waiting(r1, full) == [0, 0]
        shared.append(0)  # not exported any more
    assert out.recv_many() == [0]


def test_the_items_of_losing_sends_are_released() -> None:
    (s1, r1), (s2, r2) = interlane.create_channel(1), interlane.create_channel()
    s1.send(0)
    s2.send(1)
    data = bytearray(100_000)
    assert interlane.select((s1, data), r2) == (1, r2, 1)
    data.clear()  # a BufferError while it is shared
    assert r1.recv_many() == [0]


def test_select_is_fair_among_what_is_possible() -> None:
    ends = [interlane.create_channel() for _ in range(3)]
    _never, empty = interlane.create_channel()
    turns: Counter[int] = Counter()
    for send, _ in ends:
        send.send_many(range(1000))
    while all(len(recv) for _, recv in ends):
        turns[interlane.select(ends[0][1], ends[1][1], empty, empty, ends[2][1]).index] += 1
    # Whoever was first: at that time the others had had about as many turns.
    assert set(turns) == {0, 1, 4}
    assert min(turns.values()) > 500


def test_an_operation_that_ended_raises_and_is_named() -> None:
    (_s1, r1), (s2, r2) = interlane.create_channel(), interlane.create_channel()
    s2.send("last")
    s2.close()
    assert interlane.select(r1, r2).item == "last"
    with pytest.raises(interlane.EndOfChannel) as ended:
        interlane.select(r1, r2)
    assert (ended.value.index, ended.value.end) == (1, r2)  # type: ignore[attr-defined]
    s3, r3 = interlane.create_channel()
    r3.close()
    with pytest.raises(interlane.BrokenChannel) as broken:
        interlane.select((s3, 1), r1)
    assert (broken.value.index, broken.value.end) == (0, s3)  # type: ignore[attr-defined]
    r1.close()
    with pytest.raises(interlane.ClosedError):
        interlane.select(r1)


@pytest.mark.parametrize("which", ["sender", "receiver", "own"])
def test_a_close_ends_a_select_that_waits(pool: ThreadPoolExecutor, which: str) -> None:
    (s1, r1), (s2, r2) = interlane.create_channel(), interlane.create_channel(0)
    selecting = pool.submit(interlane.select, r1, (s2, "kept"))
    wait_until(lambda: waiting(r1, s2) == [1, 1])
    {"sender": s1, "receiver": r2, "own": s2}[which].close()
    error = {
        "sender": interlane.EndOfChannel,
        "receiver": interlane.BrokenChannel,
        "own": interlane.ClosedError,
    }[which]
    with pytest.raises(error) as caught:
        selecting.result(60)
    assert caught.value.index == (0 if which == "sender" else 1)
    assert waiting(r1, s2) == [0, 0]


def test_what_is_no_operation_is_refused_and_nothing_happens() -> None:
    send, recv = interlane.create_channel()
    send.send(1)
    for bad in (send, 5, (send,), (send, 1, 2), (recv, 1), [send, 1]):
        with pytest.raises(TypeError, match="operation 1"):
            interlane.select(recv, bad)  # type: ignore[arg-type]
    with pytest.raises(interlane.NotShareableError):
        interlane.select(recv, (send, object()))
    with pytest.raises(ValueError, match="at least one"):
        interlane.select()
    with pytest.raises(TypeError, match="unexpected keyword"):
        interlane.select(recv, wait=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="timeout"):
        interlane.select(recv, timeout=-1)
    assert recv.recv_many() == [1]


def test_a_select_does_not_meet_itself() -> None:
    send, recv = interlane.create_channel(0)
    with pytest.raises(TimeoutError):
        interlane.select(recv, (send, 1), recv, timeout=0.01)


def test_two_selects_that_face_each_other_meet(pool: ThreadPoolExecutor) -> None:
    (s1, r1), (s2, r2) = interlane.create_channel(0), interlane.create_channel(0)

    def play(send: Any, recv: Any) -> tuple[list[int], int]:
        got: list[int] = []
        sent = 0
        while sent + len(got) < 500:
            index, _, item = interlane.select((send, sent), recv, timeout=60)
            if index == 0:
                sent += 1
            else:
                got.append(item)
        return got, sent

    one, two = pool.submit(play, s1, r2), pool.submit(play, s2, r1)
    (got1, sent1), (got2, sent2) = one.result(120), two.result(120)
    assert (got1, got2) == (list(range(sent2)), list(range(sent1)))


def test_selects_in_several_interpreters_lose_and_repeat_nothing() -> None:
    lanes = [interlane.create_channel(capacity) for capacity in (None, 0, 2)]
    out, results = interlane.create_channel()
    total = 600
    code = textwrap.dedent("""
        import interlane
        open_ends = list(ends)
        while open_ends:
            try:
                results.send(interlane.select(*open_ends).item)
            except interlane.EndOfChannel as error:
                open_ends.remove(error.end)
    """)
    workers = []
    for _ in range(2):
        worker = interlane.interpreters.create()
        worker.prepare_main(ends=tuple(recv for _, recv in lanes), results=out)
        thread = threading.Thread(target=worker.exec, args=(code,))
        thread.start()
        workers.append((worker, thread))
    out.close()
    for number in range(total):
        interlane.select(*[(send, number) for send, _ in lanes], timeout=60)
    for send, _ in lanes:
        send.close()
    for worker, thread in workers:
        thread.join(60)
        assert not thread.is_alive()
        worker.close()
    assert sorted(results) == list(range(total))


def test_an_interpreter_that_ends_ends_the_selects_on_the_other_side(pool: ThreadPoolExecutor) -> None:
    (send, recv), (send2, recv2) = interlane.create_channel(), interlane.create_channel()
    other = interlane.interpreters.create()
    other.prepare_main(send=send)
    send.close()
    selecting = pool.submit(interlane.select, recv2, recv)
    wait_until(lambda: waiting(recv) == [1])
    other.close()
    with pytest.raises(interlane.EndOfChannel) as caught:
        selecting.result(60)
    assert caught.value.end is recv
    send2.close()
