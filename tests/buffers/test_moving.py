"""`move()`: the receiver has it, the sender does not."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import interlane
import pytest
from interlane import ClosedError, SharedBuffer, interpreters, move


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = interlane.stats().live
    yield
    gc.collect()
    interlane.collect()
    assert interlane.stats().live == before, interlane.shares()


def is_dead(buf: SharedBuffer) -> bool:
    send, _recv = interlane.create_channel()
    for use in (
        lambda: buf[0],
        lambda: buf.__setitem__(0, 1),
        lambda: buf[1:],
        lambda: memoryview(buf),
        lambda: buf.tobytes(),
        lambda: buf.shape,
        lambda: len(buf),
        lambda: buf.freeze(),
        lambda: buf.reading(),
        lambda: buf.writing(),
        lambda: move(buf),
        lambda: send.send(buf),
        lambda: SharedBuffer.copy_of(buf),
    ):
        with pytest.raises(ClosedError, match="moved"):
            use()
    return repr(buf).endswith("moved>")


def test_the_receiver_may_write_and_the_senders_is_dead() -> None:
    buf = SharedBuffer(8)
    buf[1] = 7
    send, recv = interlane.create_channel()
    worker = interpreters.create()
    worker.prepare_main(recv=recv)
    back, here = interlane.create_channel()
    worker.prepare_main(back=back)
    send.send(move(buf))
    assert is_dead(buf)
    worker.exec("""if True:
        import interlane
        buf = recv.recv()
        assert type(buf) is interlane.SharedBuffer and not buf.readonly
        buf[0] = 5
        back.send({"buffers": [interlane.move(buf), 1]})
        try:
            buf[0]
        except interlane.ClosedError:
            pass
        else:
            raise AssertionError
    """)
    worker.close()
    again = here.recv()["buffers"][0]
    assert again.tobytes() == b"\5\7" + bytes(6)
    assert [row.holders for row in interlane.shares() if row.owner is None] == [{0: 1}]
    assert is_dead(buf)


def test_it_goes_through_prepare_main_and_call() -> None:
    one, two = SharedBuffer(8), SharedBuffer(8)
    worker = interpreters.create()
    worker.prepare_main(one=move(one))
    assert is_dead(one)
    worker.exec("one[0] = 1; import interlane")
    assert worker.call(SharedBuffer.tolist, move(two)) == [0] * 8
    assert is_dead(two)
    worker.close()


def test_a_move_is_made_once() -> None:
    buf = SharedBuffer(8)
    moved = move(buf)
    assert "to be moved" in repr(moved)
    send, recv = interlane.create_channel()
    send.send([moved, moved])
    first, second = recv.recv()
    assert first is second
    assert "moved" in repr(moved)
    with pytest.raises(ClosedError):
        send.send(moved)
    with pytest.raises(ClosedError):
        send.send([move(first), move(second)])
    first[0] = 1  # nothing was sent
    with pytest.raises(TypeError, match="SharedBuffer"):
        move(bytearray(3))  # type: ignore[arg-type]
    with pytest.raises(interlane.NotShareableError, match="one receiver"):
        interlane.share(move(first))
    assert interlane.is_shareable(move(first))
    first[0] = 2


def test_a_send_that_fails_leaves_it_with_its_sender() -> None:
    buf = SharedBuffer(8)
    send, recv = interlane.create_channel(1)
    send.send(0)
    buffers, _there = interlane.create_buffer_channel()
    unshareable = object()
    failures: list[Any] = [
        (interlane.ChannelFull, lambda: send.send_nowait(move(buf))),
        (TimeoutError, lambda: send.send(move(buf), timeout=0.01)),
        (TimeoutError, lambda: interlane.select((send, move(buf)), timeout=0.01)),
        (interlane.NotShareableError, lambda: send.send([move(buf), unshareable])),
        (interlane.NotShareableError, lambda: buffers.send(move(buf))),
    ]
    for error, attempt in failures:
        with pytest.raises(error):
            attempt()
        buf[0] += 1
    assert recv.recv() == 0
    assert interlane.select((send, move(buf))).index == 0
    assert is_dead(buf)
    back = recv.recv()
    recv.close()
    with pytest.raises(interlane.BrokenChannel):
        send.send(move(back))
    assert back[0] == len(failures)


def test_select_moves_only_what_it_sends() -> None:
    buf = SharedBuffer(8)
    full, _kept = interlane.create_channel(1)
    full.send(0)
    send, recv = interlane.create_channel()
    send.send(1)
    assert interlane.select((full, move(buf)), recv).item == 1
    buf[0] = 1


def test_what_nobody_receives_goes_back() -> None:
    buf = SharedBuffer(8)
    send, recv = interlane.create_channel()
    send.send(move(buf))
    assert is_dead(buf)
    recv.close()
    send.close()
    buf[0] = 1


def test_a_cancelled_asend_leaves_it_with_its_sender() -> None:
    buf = SharedBuffer(8)

    async def main() -> None:
        send, recv = interlane.create_channel(1)
        send.send(0)
        task = asyncio.create_task(send.asend(move(buf)))
        await asyncio.sleep(0.02)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        buf[0] = 1
        assert recv.recv() == 0
        await send.asend(move(buf))
        got = await recv.arecv()
        assert got[0] == 1

    asyncio.run(main())
    assert is_dead(buf)


def test_views_parts_and_guards_keep_it_from_being_moved() -> None:
    buf = SharedBuffer(8)
    send, recv = interlane.create_channel()
    late = move(buf)
    uses: list[Any] = [
        memoryview,
        lambda buf: buf[1:],
        lambda buf: buf.cast("h"),
        lambda buf: memoryview(buf)[1:],
        lambda buf: buf[2:][1:],
    ]
    for make in uses:
        use = make(buf)
        with pytest.raises(BufferError, match="1 views, parts or guards"):
            move(buf)
        with pytest.raises(BufferError):
            send.send(late)
        del use
    with buf.reading() as view:
        with pytest.raises(BufferError):
            send.send(late)
        with pytest.raises(BufferError, match="view of a guard"):
            move(view)
    del view
    send.send(late)
    assert recv.recv().nbytes == 8


def test_a_part_is_moved_for_itself() -> None:
    buf = SharedBuffer((2, 4))
    parts = [buf[0], buf[1]]
    send, recv = interlane.create_channel()
    for part in parts:
        send.send(move(part))
    assert all(map(is_dead, parts))
    for number in (1, 2):
        recv.recv()[:] = bytes([number] * 4)
    assert buf.tolist() == [[1] * 4, [2] * 4]
    send.send(move(buf))
    assert is_dead(buf)


def test_it_outlives_the_interpreter_that_gave_it_away() -> None:
    send, recv = interlane.create_channel()
    worker = interpreters.create()
    worker.prepare_main(send=send)
    worker.exec(
        "import interlane; buf = interlane.SharedBuffer(8); buf[0] = 3; send.send(interlane.move(buf))"
    )
    worker.exec("send.send(interlane.move(interlane.SharedBuffer(3)))")
    worker.close()
    assert recv.recv()[0] == 3
    assert recv.recv().nbytes == 3
