"""`SharedBuffer.from_buffer` and `__array_interface__`: the memory of others, and the memory for others."""

import array
import ctypes
import gc
import mmap
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import SharedBuffer, interpreters


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    gc.collect()
    before = interlane.stats().live
    yield
    gc.collect()
    interlane.wait_released(timeout=50)
    interlane.collect()
    assert interlane.stats().live == before, interlane.shares()


def test_the_memory_of_an_exporter_is_used_in_place() -> None:
    data = bytearray(b"abcd")
    buf = SharedBuffer.from_buffer(data)
    assert (buf.shape, buf.format, buf.readonly) == ((4,), "B", False)
    buf[1] = ord("X")
    assert data == b"aXcd"
    with pytest.raises(BufferError):
        data.append(1)
    worker = interpreters.create()
    worker.prepare_main(buf=buf)
    worker.exec("buf[2] = ord('Y')")
    del buf
    assert data == b"aXYd"
    with pytest.raises(BufferError):
        data.append(1)
    worker.exec("del buf")
    worker.close()
    interlane.wait_released(timeout=50)
    data.append(1)


def test_format_shape_strides_and_readonly_are_the_exporters(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100))
    with (tmp_path / "file").open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        for source in [
            b"abc",
            b"",
            array.array("d", [1.5, 2.5]),
            memoryview(b"abcdef")[::-2],
            memoryview(bytearray(6)).cast("B", (2, 3)),
            ((ctypes.c_short * 3) * 2)(),
            mapped,
        ]:
            view = memoryview(source)
            buf = SharedBuffer.from_buffer(source)
            assert (buf.shape, buf.strides) == (view.shape, view.strides)
            assert (buf.format, buf.readonly) == (view.format, view.readonly)
            assert buf.tobytes() == view.tobytes()
            if not view.readonly and buf.format == "B":
                buf[(0,) * buf.ndim] = 7
                assert view.tobytes()[0] == 7
            del buf, view
            interlane.collect()
    with pytest.raises(TypeError, match="exports no buffer"):
        SharedBuffer.from_buffer([1])  # type: ignore[arg-type]


def test_what_is_shared_already_is_not_shared_through_somebody_else() -> None:
    buf = SharedBuffer(8)
    live = interlane.stats().live
    same = [SharedBuffer.from_buffer(it) for it in (buf, memoryview(buf), memoryview(buf)[2:])]
    same[2][0] = 5
    assert buf[2] == same[0][2] == same[1][2] == 5
    assert interlane.stats().live == live
    buf.freeze()
    assert all(it.readonly for it in same)


def test_the_view_of_a_guard_is_only_lent() -> None:
    buf = SharedBuffer(8)
    guard = buf.writing()
    other = SharedBuffer.from_buffer(memoryview(guard.__enter__()))
    with pytest.raises(BufferError):
        guard.__exit__(None, None, None)
    other[0] = 1
    del other
    interlane.collect()
    with buf.writing(timeout=50):
        pass


@pytest.mark.parametrize(
    ("fmt", "typestr"),
    [
        ("B", "|u1"),
        ("b", "|i1"),
        ("?", "|b1"),
        ("c", "|S1"),
        ("5s", "|S5"),
        ("4p", "|V4"),
        ("<h", "<i2"),
        (">I", ">u4"),
        ("<e", "<f2"),
        (">d", ">f8"),
        ("<Zf", "<c8"),
        ("<hx", "|V3"),
        ("<hi", "|V6"),
    ],
)
def test_the_array_interface_says_what_it_is(fmt: str, typestr: str) -> None:
    buf = SharedBuffer((3, 4), fmt)[1:, ::2]
    interface = buf.__array_interface__
    assert interface["version"] == 3
    assert (interface["shape"], interface["strides"]) == (buf.shape, buf.strides)
    assert interface["typestr"] == typestr
    assert interface["data"][1] is False
    assert buf.toreadonly().__array_interface__["data"][1] is True
    assert ("descr" in interface) == (typestr in ("|V3", "|V6"))


def test_the_address_is_that_of_the_first_item() -> None:
    buf = SharedBuffer(8)
    address, _ = buf[3:].__array_interface__["data"]
    assert address == ctypes.addressof(ctypes.c_char.from_buffer(buf)) + 3
    with buf.reading() as view:
        assert not hasattr(view, "__array_interface__")


def test_numpy_sees_the_same_either_way() -> None:
    np = pytest.importorskip("numpy")

    class Only:
        """Has nothing else."""

        def __init__(self, buf: SharedBuffer) -> None:
            self.__array_interface__ = buf.__array_interface__
            self.keep = buf

    for fmt in ("B", "<h", ">d", "?", "5s", "<Zd", "<hi", "<3hB"):
        buf = SharedBuffer((2, 6), fmt)
        buf.cast("B")[:] = bytes(place % 2 for place in range(buf.nbytes))
        part = buf[:, ::2]
        one, other = np.asarray(part), np.asarray(Only(part))
        assert one.ctypes.data == other.ctypes.data == part.__array_interface__["data"][0]
        assert (one.shape, one.strides) == (other.shape, other.strides) == (part.shape, part.strides)
        assert one.tobytes() == other.tobytes() == part.tobytes()
        assert one.dtype == other.dtype
    padded = SharedBuffer(2, "<hxi")
    padded[1] = (5, 6)
    item = np.asarray(Only(padded))[1]
    assert (item["f0"], item["f2"]) == (5, 6)
    assert np.asarray(SharedBuffer(3).toreadonly()).flags.writeable is False


def test_an_array_and_back_is_the_same_memory() -> None:
    np = pytest.importorskip("numpy")
    buf = SharedBuffer((3, 4), "i")
    array = np.asarray(buf)[1:, ::2]
    back = SharedBuffer.from_buffer(array)
    assert (back.shape, back.strides, back.format) == ((2, 2), (16, 8), "i")
    back[0, 1] = 7
    assert buf[1, 2] == array[0, 1] == 7
    live = interlane.stats().live
    send, recv = interlane.create_channel()
    send.send(array)
    assert interlane.stats().live == live
    got = recv.recv()
    assert type(got) is np.ndarray
    assert got.ctypes.data == array.ctypes.data
    assert not got.flags.writeable
    own = np.arange(6.0).reshape(2, 3)
    wrapped = SharedBuffer.from_buffer(own.T)
    wrapped[2, 1] = -1
    assert own[1, 2] == -1
    assert wrapped.strides == own.T.strides
    own.flags.writeable = False
    assert SharedBuffer.from_buffer(own).readonly
    with pytest.raises(interlane.NotShareableError, match="references to objects"):
        SharedBuffer.from_buffer(np.array([None]))
