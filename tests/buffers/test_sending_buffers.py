"""`SharedBuffer` between interpreters: the same memory everywhere."""

import gc
from collections.abc import Iterator
from typing import Any

import interlane
import pytest
from interlane import SharedBuffer, interpreters


@pytest.fixture
def worker() -> Iterator[Any]:
    worker = interpreters.create()
    yield worker
    worker.close()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = interlane.stats()
    yield
    gc.collect()
    interlane.collect()
    after = interlane.stats()
    assert (after.live, after.nbytes) == (before.live, before.nbytes)


def test_it_arrives_as_the_same_memory() -> None:
    send, recv = interlane.create_channel()
    buf = SharedBuffer((2, 3), "<if")
    for sent in (buf, buf[1], buf[:, ::-2], buf.toreadonly(), buf.cast("B")):
        send.send(sent)
        got = recv.recv()
        assert type(got) is SharedBuffer
        assert got is not sent
        assert (got.shape, got.strides, got.format) == (sent.shape, sent.strides, sent.format)
        assert got.readonly == sent.readonly
    send.send({"a": [buf, buf]})
    first, second = recv.recv()["a"]
    assert first is second
    first[0, 1] = (7, 1.5)
    assert buf[0, 1] == (7, 1.5)


def test_others_read_and_write_it_in_place(worker: Any) -> None:
    buf = SharedBuffer((4, 4), "i")
    worker.prepare_main(buf=buf, row=buf[2])
    worker.exec("""
from interlane import SharedBuffer
assert type(buf) is SharedBuffer and not buf.readonly
buf[1, 1] = 5
row[:] = SharedBuffer.copy_of(row.cast("B")).cast("i")
row[3] = 9
memoryview(buf).cast("B")[0] = 3
""")
    assert (buf[0, 0], buf[1, 1], buf[2, 3]) == (3, 5, 9)
    buf[3, 0] = 8
    worker.exec("assert buf[3, 0] == 8; del buf, row")


def test_it_survives_its_creator() -> None:
    send, recv = interlane.create_channel()
    orphaned = interlane.stats().orphaned
    worker = interpreters.create()
    worker.prepare_main(send=send)
    worker.exec("""
from interlane import SharedBuffer
buf = SharedBuffer(1000, "i")
buf[7] = 42
send.send(buf[5:])
""")
    worker.close()
    buf = recv.recv()
    assert (buf.shape, buf[2]) == ((995,), 42)
    buf[2] = 43
    assert interlane.stats().orphaned == orphaned


def test_views_of_it_go_on_without_their_interpreter(worker: Any) -> None:
    send, recv = interlane.create_channel()
    buf = SharedBuffer(10)
    send.send(memoryview(buf)[2:])
    send.send_buffer(buf[::2])
    view, every_second = recv.recv(), recv.recv()
    assert (type(view), view.readonly, view.nbytes) == (memoryview, True, 8)
    assert (type(every_second), every_second.readonly, every_second.shape) == (memoryview, True, (5,))
    buf[4] = 9
    assert (view[2], every_second[2]) == (9, 9)


def test_a_share_of_it_gives_the_same_memory(worker: Any) -> None:
    buf = SharedBuffer(10)
    released = []
    share = interlane.share(buf, on_release=released.append)
    assert share.nbytes == 10
    assert [area.nbytes for area in share.areas] == [10]
    worker.prepare_main(share=share)
    worker.exec("mine = share.get(); mine[3] = 4; share.close()")
    assert buf[3] == 4
    share.close()
    assert released == []
    worker.exec("del mine")
    interlane.wait_released(timeout=50)
    assert released == [buf]


def test_it_is_counted_where_it_is(worker: Any) -> None:
    buf = SharedBuffer(10)
    send, recv = interlane.create_channel()

    def row() -> Any:
        [row] = [row for row in interlane.shares() if row.owner is None]
        return row

    worker.prepare_main(buf=buf)
    send.send(buf)
    assert (row().holders, row().in_transit) == ({0: 1, worker.id: 1}, 1)
    del buf
    assert (row().holders, row().in_transit) == ({worker.id: 1}, 1)
    worker.exec("del buf")
    assert recv.recv().nbytes == 10
    assert [row for row in interlane.shares() if row.owner is None] == []
