"""`share` and `Share`: what is lent, to whom, and over which memory."""

import array
import sysconfig
import weakref
from typing import Any

import interlane
import pytest
from interlane import interpreters

from tests.conftest import exchange, wait_until


def test_a_share_knows_its_owner_its_size_and_its_holders():
    data = bytearray(1000)
    with interlane.share(data) as share:
        assert share.owner == interpreters.get_current().id
        assert share.nbytes == 1000
        assert share.holders == 1
        assert share.get() is data
        assert not share.closed
    assert share.closed


def test_a_share_of_a_buffer_arrives_over_the_same_memory(other):
    data = bytearray(b"before")
    with interlane.share(data) as share:
        other.prepare_main(share=share)
        assert share.holders == 2
        other.exec("view = share.get(); assert bytes(view) == b'before', bytes(view); assert view.readonly")
        data[:] = b"behind"
        other.exec("assert bytes(view) == b'behind'")
        other.exec("import sys; assert share.owner == 0 and share.nbytes == 6")


def test_writable_lets_borrowers_write(other):
    data = bytearray(4)
    with interlane.share(data, writable=True) as share:
        other.prepare_main(share=share)
        other.exec("view = share.get(); view[2] = 7; view.release(); share.close()")
    assert data == b"\0\0\7\0"


def test_writable_needs_writable_memory():
    with pytest.raises(BufferError):
        interlane.share(memoryview(b"constant"), writable=True)


def test_the_object_itself_sends_the_share_that_exists(other):
    data = bytearray(b"x" * 100)
    send, recv = interlane.create_channel()
    with send, recv, interlane.share(data) as share:
        send.send(data)
        assert share.holders == 2
        other.prepare_main(recv=recv)
        other.exec("view = recv.recv(); assert len(view) == 100")
        assert share.holders == 2
        other.exec("del view; recv.close()")
        wait_until(lambda: share.holders == 1)


def test_a_shared_object_inside_a_container_adds_a_holder():
    data = bytearray(b"x" * 100)
    with interlane.share(data) as share:
        item = exchange({"data": [data, data]})
        assert share.holders == 1
        assert item["data"][0] is item["data"][1]
        assert item["data"][0] is data


@pytest.mark.parametrize("text", ["", "short", "x" * 100_000, "ж" * 50_000, "𐍈" * 30_000])
def test_a_share_of_text_has_one_area_whatever_its_size(other, text):
    with interlane.share(text) as share:
        (area,) = share.areas
        assert area.nbytes == share.nbytes
        assert area.readonly
        assert len(area) == len(text)
        other.prepare_main(share=share, text=text)
        other.exec("assert share.get() == text; assert isinstance(share.get(), str); share.close()")


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_a_share_of_bytes_has_one_area(other, size):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    with interlane.share(data) as share:
        (area,) = share.areas
        assert bytes(area) == data
        assert share.nbytes == size
        other.prepare_main(share=share, data=data)
        other.exec("assert share.get() == data and type(share.get()) is bytes")


@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="text is copied without a GIL")
def test_areas_keep_format_shape_and_strides():
    grid = memoryview(array.array("d", range(12))).cast("B").cast("d", (3, 4))
    with interlane.share([grid, "x" * 100_000, array.array("i", [1, 2])]) as share:
        first, second, third = share.areas
        assert (first.format, first.shape, first.strides) == ("d", (3, 4), (32, 8))
        assert second.nbytes == 100_000
        assert third.tolist() == [1, 2]
        assert share.nbytes == 96 + 100_000 + 8


def test_containers_are_shared_as_they_are_when_shared():
    items = [1, [2]]
    with interlane.share(items) as share:
        items.append(3)
        got = exchange({"share": share})["share"]
        assert got.get() is items  # in the owner: the object itself
        got.close()


def test_a_share_sends_as_a_share(other):
    send, recv = interlane.create_channel()
    with send, recv, interlane.share({"a": 1}) as share:
        other.prepare_main(recv=recv)
        send.send(share)
        send.send([share, share])
        other.exec("""
one = recv.recv()
two, three = recv.recv()
assert type(one) is interlane.Share and two is three and two is not one
assert one.get() == two.get() == {"a": 1}
assert one.id == two.id
one.close(), two.close()
""")


def test_a_closed_share_cannot_be_used():
    share = interlane.share([1])
    share.close()
    share.close()
    for use in (share.get, lambda: share.areas, lambda: share.holders, lambda: exchange(share)):
        with pytest.raises(interlane.ClosedError, match=f"share {share.id} is closed"):
            use()
    assert repr(share) == f"<Share {share.id} closed>"


def test_shares_can_be_weakly_referenced_and_subscripted():
    share = interlane.share([1])
    ref = weakref.ref(share)
    assert ref() is share
    del share
    assert ref() is None
    assert interlane.Share[list[int]].__args__ == (list[int],)


def test_a_share_cannot_be_made_by_hand_or_pickled():
    import pickle

    with pytest.raises(TypeError):
        interlane.Share()
    with interlane.share([1]) as share, pytest.raises(TypeError):
        pickle.dumps(share)


def test_repr_shows_state_and_never_contents():
    with interlane.share("secret" * 1000) as share:
        assert repr(share) == f"<Share {share.id} of str open, owner 0, 6000 bytes, 1 holders>"


def test_a_share_of_an_object_that_is_shared_already_may_be_writable_or_not(other: Any) -> None:
    for first in (False, True):
        data = bytearray(b"data")
        with interlane.share(data, writable=first) as one, interlane.share(data, writable=not first) as two:
            for share, writable in ((one, first), (two, not first)):
                other.prepare_main(share=share, writable=writable)
                other.exec("assert share.get().readonly is not writable; share.close()")


def test_a_closed_share_is_not_entered() -> None:
    share = interlane.share([1])
    share.close()
    with pytest.raises(interlane.ClosedError), share:
        pass
