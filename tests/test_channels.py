"""Channels within one interpreter: order, capacity, and who waits for how long."""

import queue
import sys
import time
from typing import Any

import interlane
import pytest

from tests.conftest import Background, wait_until


def test_items_arrive_in_the_order_they_were_sent(ends: Any) -> None:
    send, recv = ends
    for number in range(100):
        send.send(number)
    assert [recv.recv() for _ in range(100)] == list(range(100))


def test_create_channel_can_be_subscripted() -> None:
    send, recv = interlane.create_channel[int](3)
    with send, recv:
        assert send.capacity == recv.capacity == 3
        assert interlane.SendChannel[int] is not None
        assert interlane.RecvChannel[int] is not None


def test_a_negative_capacity_is_an_error() -> None:
    with pytest.raises(ValueError, match="capacity"):
        interlane.create_channel(-1)


def test_an_unknown_fallback_is_an_error() -> None:
    with pytest.raises(ValueError, match="fallback"):
        interlane.create_channel(fallback="marshal")  # type: ignore[arg-type]


def test_send_nowait_to_a_full_channel_raises_channel_full(narrow: Any) -> None:
    send, recv = narrow
    send.send_nowait("first")
    with pytest.raises(interlane.ChannelFull) as caught:
        send.send_nowait("second")
    assert isinstance(caught.value, queue.Full)
    assert isinstance(caught.value, interlane.WouldBlock)
    assert recv.recv() == "first"
    assert len(recv) == 0


def test_recv_nowait_from_an_empty_channel_raises_channel_empty(ends: Any) -> None:
    _, recv = ends
    with pytest.raises(interlane.ChannelEmpty) as caught:
        recv.recv_nowait()
    assert isinstance(caught.value, queue.Empty)
    assert isinstance(caught.value, interlane.WouldBlock)


def test_recv_nowait_from_an_empty_channel_returns_the_default(ends: Any) -> None:
    send, recv = ends
    assert recv.recv_nowait(None) is None
    send.send("item")
    assert recv.recv_nowait(None) == "item"


@pytest.mark.parametrize("timeout", [0, 0.0, 0.05])
def test_recv_from_an_empty_channel_times_out(ends: Any, timeout: float) -> None:
    _, recv = ends
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        recv.recv(timeout=timeout)
    assert timeout <= time.monotonic() - start < timeout + 20


@pytest.mark.parametrize("timeout", [0, 0.0, 0.05])
def test_send_to_a_full_channel_times_out_and_sends_nothing(narrow: Any, timeout: float) -> None:
    send, recv = narrow
    send.send("first")
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        send.send("second", timeout=timeout)
    assert timeout <= time.monotonic() - start < timeout + 20
    assert recv.recv_many() == ["first"]


def test_recv_waits_for_an_item(ends: Any) -> None:
    send, recv = ends
    waiting = Background(recv.recv)
    wait_until(lambda: recv.statistics().waiting_receivers == 1)
    send.send("item")
    assert waiting.result() == "item"


def test_send_waits_for_room(narrow: Any) -> None:
    send, recv = narrow
    send.send(1)
    waiting = Background(send.send, 2)
    wait_until(lambda: send.statistics().waiting_senders == 1)
    assert recv.recv() == 1
    waiting.result()
    assert recv.recv() == 2


def test_a_rendezvous_send_returns_once_the_item_was_received() -> None:
    send, recv = interlane.create_channel(0)
    with send, recv:
        with pytest.raises(interlane.ChannelFull):
            send.send_nowait("nobody waits")
        waiting = Background(send.send, "item")
        wait_until(lambda: send.statistics().waiting_senders == 1)
        assert recv.recv() == "item"
        waiting.result()


def test_send_many_returns_how_many_went(ends: Any) -> None:
    send, recv = ends
    assert send.send_many(number for number in range(5)) == 5
    assert send.send_many([]) == 0
    assert recv.recv_many() == [0, 1, 2, 3, 4]


def test_recv_many_takes_no_more_than_asked_for(ends: Any) -> None:
    send, recv = ends
    send.send_many(range(5))
    assert recv.recv_many(2) == [0, 1]
    assert recv.recv_many(max_items=10) == [2, 3, 4]


class Unloadable:
    """Is pickled, but its pickle can't be loaded."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


@pytest.mark.parametrize("capacity", [None, 8])
def test_recv_many_keeps_what_is_around_an_item_that_cannot_be_rebuilt(capacity: int | None) -> None:
    send, recv = interlane.create_channel(capacity, fallback="pickle")
    send.send_many([1, 2, Unloadable(), 4, 5])
    with pytest.raises(ValueError, match="no number") as raised:
        recv.recv_many()
    assert raised.value.received == [1, 2]  # type: ignore[attr-defined]  # set by recv_many
    assert recv.statistics().buffered == 2
    assert recv.recv_many() == [4, 5]
    assert recv.statistics().received == 5


def test_recv_many_from_an_empty_channel_times_out(ends: Any) -> None:
    with pytest.raises(TimeoutError):
        ends[1].recv_many(timeout=0.01)


def test_a_capacity_beyond_all_numbers_is_refused() -> None:
    for capacity in (-(2**80), 2**80):
        with pytest.raises(
            ValueError, match=f"capacity must be None or from 0 to {sys.maxsize}, not {capacity}"
        ):
            interlane.create_channel(capacity)


def test_any_number_of_items_can_be_asked_for(ends: Any) -> None:
    send, recv = ends
    send.send(1)
    assert recv.recv_many(2**80) == [1]
    with pytest.raises(ValueError, match="at least 1"):
        recv.recv_many(-(2**80))


def test_statistics_say_what_happened(narrow: Any) -> None:
    send, recv = narrow
    send.send(1)
    recv.recv()
    send.send(2)
    figures = recv.statistics()
    assert figures == send.statistics()
    assert (figures.buffered, figures.capacity) == (1, 1)
    assert (figures.open_senders, figures.open_receivers) == (1, 1)
    assert (figures.waiting_senders, figures.waiting_receivers) == (0, 0)
    assert (figures.sent, figures.received) == (2, 1)
    with pytest.raises(AttributeError):
        figures.sent = 3
    assert len(send) == len(recv) == 1


def test_many_senders_and_receivers_lose_and_repeat_nothing() -> None:
    send, recv = interlane.create_channel(16)
    with recv:
        receivers = [Background(list, recv) for _ in range(4)]
        with send:
            senders = [Background(send.send_many, range(k, 4000, 4)) for k in range(4)]
            assert [sender.result() for sender in senders] == [1000] * 4
        received = [item for receiver in receivers for item in receiver.result()]
    assert sorted(received) == list(range(4000))
