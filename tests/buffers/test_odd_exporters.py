"""Exporters that are not one plain run of bytes: right, or a clear error."""

import ctypes
import gc
import mmap
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import NotShareableError, SharedBuffer, interpreters


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    gc.collect()
    before = interlane.stats().live
    yield
    gc.collect()
    interlane.wait_released(timeout=50)
    interlane.collect()
    assert interlane.stats().live == before, interlane.shares()


def arrive(item: Any) -> Any:
    send, recv = interlane.create_channel()
    send.send([item])
    return recv.recv()[0]


def test_a_bytearray_keeps_its_size_while_it_is_shared() -> None:
    data = bytearray(b"abc")
    view = arrive(data)
    for resize in (
        lambda: data.append(1),
        data.clear,
        lambda: data.__delitem__(0),
        lambda: data.extend(b"x"),
    ):
        with pytest.raises(BufferError):
            resize()
    data[0] = ord("X")
    assert view.tobytes() == b"Xbc"
    del view
    interlane.wait_released(timeout=50)
    data.append(1)
    assert data == b"Xbc\1"


def test_a_mapped_file_is_shared_and_not_closed_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789" * 1000)
    with (tmp_path / "file").open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    worker = interpreters.create()
    send, recv = interlane.create_channel()
    worker.prepare_main(recv=recv)
    send.send(mapped)
    mapped[0:1] = b"X"
    worker.exec(
        "view = recv.recv(); assert type(view) is memoryview and view.readonly and bytes(view[:3]) == b'X12'"
    )
    with pytest.raises(BufferError):
        mapped.close()
    with pytest.raises(BufferError):
        mapped.resize(10)
    worker.exec("view.release()")
    worker.close()
    interlane.wait_released(timeout=50)
    mapped.close()
    with pytest.raises(ValueError, match="closed"):
        arrive(mapped)


def test_a_read_only_mapping_stays_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123")
    with (
        (tmp_path / "file").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        assert SharedBuffer.from_buffer(mapped).readonly
        with pytest.raises((BufferError, TypeError)):
            interlane.share(mapped, writable=True)
        view = arrive(mapped)
        assert bytes(view) == b"0123"
        del view
        interlane.wait_released(timeout=50)


def test_ctypes_arrays_and_structures_arrive_with_their_format() -> None:
    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

    for source in (
        (ctypes.c_int * 3)(1, 2, 3),
        ((ctypes.c_short * 3) * 2)(),
        Point(1, 2.5),
        ctypes.c_double(1),
    ):
        view, expected = arrive(source), memoryview(source)
        assert (view.format, view.shape, view.itemsize) == (
            expected.format,
            expected.shape,
            expected.itemsize,
        )
        assert view.tobytes() == bytes(source)
        assert view.readonly
        del view, expected
    numbers = (ctypes.c_int * 3)(1, 2, 3)
    with interlane.share(numbers, writable=True) as share:
        worker = interpreters.create()
        worker.prepare_main(share=share)
        worker.exec("memoryview(share.get()).cast('B')[0] = 9; share.close(); del share")
        worker.close()
    assert numbers[0] == 9


def test_references_are_refused_by_name() -> None:
    for source in ((ctypes.py_object * 2)(), ctypes.py_object(1)):
        with pytest.raises(NotShareableError, match="references to objects"):
            arrive(source)


@pytest.mark.parametrize("key", [slice(None, None, 2), slice(None, None, -1), slice(4, 1, -2), slice(3, 3)])
def test_gaps_and_backward_steps_arrive_as_they_are(key: slice) -> None:
    source = memoryview(bytearray(range(10)))[key]
    view = arrive(source)
    assert (view.shape, view.strides, view.contiguous) == (source.shape, source.strides, source.contiguous)
    assert view.tolist() == source.tolist()
    assert SharedBuffer.copy_of(view).tolist() == source.tolist()
    assert arrive(SharedBuffer.copy_of(bytes(range(10)))[key]).tolist() == source.tolist()


def test_memory_that_goes_through_pointers() -> None:
    testbuffer = pytest.importorskip("_testbuffer", reason="this Python comes without its tests")
    source = testbuffer.ndarray(list(range(12)), shape=[3, 4], format="h", flags=testbuffer.ND_PIL)
    expected = memoryview(source)
    assert expected.suboffsets
    for item in (source, expected):
        view = arrive(item)
        assert (view.shape, view.suboffsets) == ((3, 4), expected.suboffsets)
        assert view.tolist() == source.tolist()
        again = arrive(view)
        assert again.tolist() == source.tolist()
        del view, again
    copied = SharedBuffer.copy_of(source)
    assert (copied.tolist(), copied.c_contiguous) == (source.tolist(), True)
    copied[::-1] = source
    assert copied.tolist() == source.tolist()[::-1]
    assert SharedBuffer.copy_of(source) == source
    with pytest.raises(BufferError, match="goes through pointers"):
        SharedBuffer.from_buffer(source)


def test_an_exporter_that_refuses_says_so_itself() -> None:
    view = memoryview(b"abc")
    view.release()
    for use in (arrive, SharedBuffer.copy_of, SharedBuffer.from_buffer, interlane.share):
        with pytest.raises(ValueError, match="released memoryview"):
            use(view)
