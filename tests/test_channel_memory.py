"""What goes through a channel without a copy: large text and bytes, and the memory of other objects."""

import array
import queue
import sysconfig
from typing import Any

import interlane
import pytest

from tests.conftest import exchange

shares_text = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="text is copied without a GIL"
)


def test_what_could_not_be_sent_is_given_back_at_once() -> None:
    send, recv = interlane.create_channel(1)
    data = bytearray(8)
    with send:
        send.send("full")
        for call in (
            lambda: send.send_nowait(data),
            lambda: send.send(data, timeout=0),
            lambda: send.send_buffer(data, timeout=0),
            lambda: send.send_many([data, data], timeout=0),
            lambda: send.send([data, object()]),
            lambda: interlane.explain([data, object()]) and {}["refused"],
            lambda: interlane.share([data, object()]),
        ):
            with pytest.raises((queue.Full, TimeoutError, TypeError, KeyError)):
                call()
            data.append(0)  # a BufferError if it were still shared
        recv.close()
        with pytest.raises(interlane.BrokenChannel):
            send.send(data)
        data.append(0)


@shares_text
@pytest.mark.parametrize("character", ["a", "é", "€", "😀"])
def test_a_big_str_arrives_as_a_shared_str(character: str) -> None:
    text = character * max(interlane.get_share_threshold(), 1 << 20)
    arrived = exchange(text)
    assert type(arrived) is interlane.SharedStr
    assert isinstance(arrived, str)
    assert arrived == text
    assert hash(arrived) == hash(text)
    assert arrived[:3] == character * 3
    assert {arrived: 1}[text] == 1


def test_big_bytes_arrive_as_exact_bytes() -> None:
    data = bytes(range(256)) * max(interlane.get_share_threshold(), 4096)
    arrived = exchange(data)
    assert type(arrived) is bytes
    assert arrived == data


@shares_text
def test_the_threshold_can_be_set() -> None:
    before = interlane.get_share_threshold()
    try:
        interlane.set_share_threshold(2048)
        assert interlane.get_share_threshold() == 2048
        assert type(exchange("a" * 10)) is str
        assert type(exchange("a" * 3000)) is interlane.SharedStr
    finally:
        interlane.set_share_threshold(before)


def test_a_bytearray_arrives_as_a_read_only_memoryview_of_the_same_memory() -> None:
    data = bytearray(b"0123456789" * 100)
    arrived = exchange(data)
    assert type(arrived) is memoryview
    assert arrived.readonly
    assert arrived == data
    data[0] = ord("x")
    assert arrived[0] == ord("x")
    with pytest.raises(TypeError):
        arrived[0] = 1


def test_an_array_arrives_with_its_format() -> None:
    arrived = exchange(array.array("d", [1.5, 2.5, 3.5]))
    assert (arrived.format, arrived.shape, arrived.itemsize) == ("d", (3,), 8)
    assert arrived.tolist() == [1.5, 2.5, 3.5]


def test_a_memoryview_arrives_with_its_shape_and_strides() -> None:
    view = memoryview(bytearray(range(24))).cast("B", (4, 6))
    arrived = exchange(view)
    assert (arrived.shape, arrived.strides, arrived.format) == ((4, 6), (6, 1), "B")
    assert arrived.tolist() == view.tolist()
    every_other = memoryview(bytearray(range(10)))[::2]
    assert exchange(every_other).tolist() == [0, 2, 4, 6, 8]


def test_send_buffer_sends_bytes_as_a_memoryview(ends: Any) -> None:
    send, recv = ends
    send.send_buffer(b"bytes")
    arrived = recv.recv()
    assert type(arrived) is memoryview
    assert arrived == b"bytes"


def test_send_buffer_refuses_what_is_not_a_buffer(ends: Any) -> None:
    send, recv = ends
    with pytest.raises(interlane.NotShareableError):
        send.send_buffer("text")
    assert len(recv) == 0


def test_send_buffer_nowait_to_a_full_channel_raises_channel_full(narrow: Any) -> None:
    send, recv = narrow
    send.send_buffer_nowait(b"bytes")
    with pytest.raises(interlane.ChannelFull):
        send.send_buffer_nowait(b"more")
    assert recv.recv_many() == [b"bytes"]


def test_a_buffer_channel_takes_buffers_only_and_gives_memoryviews() -> None:
    send, recv = interlane.create_buffer_channel(4)
    with send, recv:
        data = bytearray(b"data")
        assert send.send_many([b"bytes", data]) == 2
        interlane.select((send, array.array("i", [1])))
        for bad in ("text", 1, [data]):
            with pytest.raises(interlane.NotShareableError):
                send.send(bad)  # type: ignore[arg-type]
        got = recv.recv_many()
        assert [type(item) for item in got] == [memoryview] * 3
        assert (bytes(got[0]), got[1].obj is not data, got[2].tolist()) == (b"bytes", True, [1])
        data[0] = 0
        assert got[1][0] == 0
    with pytest.raises(ValueError, match="capacity"):
        interlane.create_buffer_channel(-1)
