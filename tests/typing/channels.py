"""What type checkers see of channels. Checked by mypy, never run."""

from typing import Any, assert_type

import interlane
from interlane import RecvChannel, SendChannel


def ends_of_a_channel_know_their_items() -> None:
    send, recv = interlane.create_channel[int](3)
    assert_type(send, SendChannel[int])
    assert_type(recv, RecvChannel[int])
    assert_type(recv.recv(timeout=1.5), int)
    assert_type(recv.recv_nowait(), int)
    assert_type(recv.recv_nowait(None), int | None)
    assert_type(recv.recv_many(10), list[int])
    assert_type(send.send_many(range(3)), int)
    send.send("text")  # type: ignore[arg-type]


def without_a_type_anything_goes() -> None:
    send, recv = interlane.create_channel(0, fallback="pickle")
    assert_type(send, SendChannel[Any])
    assert_type(recv, RecvChannel[Any])
    interlane.create_channel(fallback="marshal")  # type: ignore[arg-type]


def iteration_and_with_keep_the_type(recv: RecvChannel[str]) -> None:
    with recv as same:
        assert_type(same, RecvChannel[str])
        for item in same:
            assert_type(item, str)


def a_sender_of_more_serves_as_a_sender_of_less(send: SendChannel[object]) -> SendChannel[int]:
    return send


def a_receiver_of_less_serves_as_a_receiver_of_more(recv: RecvChannel[bool]) -> RecvChannel[int]:
    return recv


def variance_has_a_direction(send: SendChannel[bool], recv: RecvChannel[object]) -> None:
    wider: SendChannel[int] = send  # type: ignore[assignment]
    narrower: RecvChannel[int] = recv  # type: ignore[assignment]
    print(wider, narrower)


def records_have_typed_fields(send: SendChannel[int]) -> None:
    assert_type(send.statistics().buffered, int)
    assert_type(send.statistics().capacity, int | None)
    assert_type(interlane.stats().oldest_pending, float | None)


async def what_is_awaited_keeps_the_type(send: SendChannel[str], recv: RecvChannel[str]) -> None:
    assert_type(await recv.arecv(), str)
    async with recv as same:
        assert_type(same, RecvChannel[str])
        async for item in same:
            assert_type(item, str)
    async with send as sender:
        assert_type(sender, SendChannel[str])
        await sender.asend("text")
        await sender.asend(1)  # type: ignore[arg-type]


async def what_is_selected_is_a_record(send: SendChannel[int], recv: RecvChannel[str]) -> None:
    selected = interlane.select(recv, (send, 1), timeout=0)
    assert_type(selected, interlane.Selected)
    assert_type(selected.index, int)
    assert_type(await interlane.aselect((send, 1), recv), interlane.Selected)
    interlane.select(send)  # type: ignore[arg-type]
    interlane.select(recv, 5)  # type: ignore[arg-type]


def buffers_arrive_as_memoryviews() -> None:
    send, recv = interlane.create_buffer_channel(2)
    send.send(bytearray(3))
    send.send_buffer_nowait(b"bytes")
    assert_type(recv.recv(), memoryview)
    send.send(3)  # type: ignore[arg-type]
