"""`SharedBuffer` in one interpreter: an array like any other."""

import array
import copy
import ctypes
import gc
import pickle
import struct
import sys
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import SharedBuffer

VALUES = {
    "c": b"x",
    "b": -5,
    "B": 200,
    "?": True,
    "h": -300,
    "H": 60000,
    "i": -70000,
    "I": 4_000_000_000,
    "l": -70000,
    "L": 70000,
    "q": -(2**63),
    "Q": 2**64 - 1,
    "n": -1,
    "N": 2**63,
    "P": 12345,
    "e": 0.5,
    "f": 1.5,
    "d": -2.25,
    "5s": b"ab\0\0\0",
    "4p": b"abc",
}


def test_a_new_one_is_zeroed_and_says_what_it_is() -> None:
    buf = SharedBuffer((3, 4), "i")
    assert (buf.shape, buf.strides, buf.format, buf.itemsize) == ((3, 4), (16, 4), "i", 4)
    assert (buf.nbytes, buf.ndim, buf.readonly, len(buf)) == (48, 2, False, 3)
    assert (buf.contiguous, buf.c_contiguous, buf.f_contiguous) == (True, True, False)
    assert buf.tobytes() == bytes(48)
    assert buf.tolist() == [[0] * 4] * 3
    assert repr(buf) == "<SharedBuffer shape=(3, 4) format='i' 48 bytes>"
    assert SharedBuffer(10).format == "B"
    assert SharedBuffer([2, 3]).shape == (2, 3)


@pytest.mark.parametrize("nbytes", [1, 63, 4096, 100_000, 131_072, 1_000_001, 5_000_000])
def test_it_begins_at_a_multiple_of_64_bytes(nbytes: int) -> None:
    buf = SharedBuffer(nbytes)
    address = ctypes.addressof(ctypes.c_char.from_buffer(buf))
    assert address % 64 == 0
    buf[-1] = 7
    assert buf[nbytes - 1] == 7
    assert buf.tobytes() == bytes(nbytes - 1) + b"\7"


@pytest.mark.parametrize(
    ("shape", "fmt"),
    [
        (-1, "B"),
        ((2, -3), "B"),
        ((0, -3), "B"),
        (2**63, "B"),
        (2**100, "B"),
        (2**62, "d"),
        ((2**32, 2**32), "B"),
        ((1,) * 65, "B"),
        (3, ""),
        (3, "y"),
        (3, "<n"),
        (3, "0i"),
        (3, "3"),
        (3, "B\0"),
        (3, "9999999999999999999999B"),
    ],
)
def test_nonsense_is_a_value_error(shape: int, fmt: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        SharedBuffer(shape, fmt)


def test_wrong_types_are_type_errors() -> None:
    for arguments in [(), ("abc",), (1.5,), (None,), (1, 2), (1, b"B"), (1, "B", 3)]:
        with pytest.raises(TypeError):
            SharedBuffer(*arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword"):
        SharedBuffer(1, fmt="B")  # type: ignore[call-arg]
    assert SharedBuffer(shape=2, format="h").nbytes == 4


def test_memory_that_is_not_to_be_had_is_a_memory_error() -> None:
    with pytest.raises(MemoryError):
        SharedBuffer(2**62)


@pytest.mark.parametrize("prefix", ["", "@", "=", "<", ">", "!"])
@pytest.mark.parametrize("code", VALUES)
def test_every_format_of_struct_goes_in_and_out(prefix: str, code: str) -> None:
    fmt = prefix + code
    if prefix not in ("", "@") and code in "nNP":
        with pytest.raises(ValueError, match=r"."):
            SharedBuffer(1, fmt)
        return
    buf = SharedBuffer(3, fmt)
    assert buf.itemsize == struct.calcsize(fmt)
    value = VALUES[code]
    buf[1] = value
    assert buf[1] == value
    assert type(buf[1]) is type(value)
    assert buf.tobytes()[buf.itemsize : 2 * buf.itemsize] == struct.pack(fmt, value)
    assert buf[:1].tobytes() == bytes(buf.itemsize)


@pytest.mark.parametrize("fmt", ["<if", "bi", ">hhl", "3sxB", "2i?", "@cqc", "2h0q"])
def test_items_of_several_values_are_tuples(fmt: str) -> None:
    buf = SharedBuffer(4, fmt)
    assert buf.itemsize == struct.calcsize(fmt)
    raw = bytes(range(1, buf.itemsize + 1)).replace(b"\x03", b"\0")
    for place in range(4):
        memoryview(buf).cast("B")[place * len(raw) : (place + 1) * len(raw)] = raw
    expected = struct.unpack(fmt, raw)
    assert repr(buf[2]) == repr(expected)
    buf[1] = expected
    assert buf.tobytes()[len(raw) : 2 * len(raw)] == struct.pack(fmt, *expected)
    for wrong in (expected[:-1], (*expected, 1), 5):
        with pytest.raises(TypeError):
            buf[1] = wrong


def test_complex_numbers_are_items_too() -> None:
    for fmt in ("Zd", "D", ">Zf", "F"):
        buf = SharedBuffer(2, fmt)
        buf[1] = 1 - 2.5j
        buf[0] = 3
        assert buf.tolist() == [3 + 0j, 1 - 2.5j]


@pytest.mark.parametrize(
    ("fmt", "value", "error"),
    [
        ("B", 256, ValueError),
        ("B", -1, ValueError),
        ("b", 128, ValueError),
        ("b", -129, ValueError),
        ("q", 2**63, ValueError),
        ("Q", -1, ValueError),
        ("Q", 2**64, ValueError),
        ("e", 1e10, ValueError),
        ("f", 1e300, ValueError),
        ("d", 10**400, ValueError),
        ("B", "x", TypeError),
        ("B", 1.5, TypeError),
        ("d", "x", TypeError),
        ("c", 65, TypeError),
        ("c", b"ab", ValueError),
        ("4s", "abcd", TypeError),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(fmt: str, value: object, error: type[Exception]) -> None:
    buf = SharedBuffer(2, fmt)
    before = buf.tobytes()
    with pytest.raises(error, match="format"):
        buf[0] = value
    assert buf.tobytes() == before


def test_an_error_of_the_value_itself_comes_through() -> None:
    class Bad:
        def __index__(self) -> int:
            raise KeyError("mine")

    buf = SharedBuffer(2)
    with pytest.raises(KeyError, match="mine"):
        buf[0] = Bad()
    with pytest.raises(KeyError, match="mine"):
        buf[Bad()]


def test_indices_and_slices_in_several_dimensions() -> None:
    buf = SharedBuffer((3, 4), "h")
    for row in range(3):
        for column in range(4):
            buf[row, column] = 10 * row + column
    assert buf[1, 2] == 12
    assert buf[-1, -1] == 23
    assert buf[1].tolist() == [10, 11, 12, 13]
    assert buf[:, 1].tolist() == [1, 11, 21]
    assert buf[::-1, ::2].tolist() == [[20, 22], [10, 12], [0, 2]]
    assert buf[..., 0].tolist() == [0, 10, 20]
    assert buf[1, ...].tolist() == [10, 11, 12, 13]
    assert buf[...].tolist() == buf.tolist()
    assert buf[()].shape == (3, 4)
    assert buf[5:].shape == (0, 4)
    assert buf[2:0].tolist() == []
    assert buf[1, 2, ...].shape == ()
    part = buf[1:, 1:3]
    part[0, 0] = 99
    assert buf[1, 1] == 99, "a slice shares"
    assert not part.contiguous
    assert part.tobytes() == struct.pack("4h", 99, 12, 21, 22)
    assert memoryview(part).tolist() == part.tolist()
    for key in [3, -4, (0, 4), (0, -5), 2**70]:
        with pytest.raises(IndexError):
            buf[key]
    for key in [(0, 0, 0), "a", (..., ...), 1.5, None, (0, None)]:
        with pytest.raises(TypeError):
            buf[key]
    with pytest.raises(ValueError, match="zero"):
        buf[::0]
    with pytest.raises(TypeError, match="deleted"):
        del buf[0]


def test_no_dimensions_and_no_items() -> None:
    point = SharedBuffer((), "d")
    assert (point.shape, point.nbytes, point.ndim) == ((), 8, 0)
    point[()] = 2.5
    assert (point[()], point.tolist(), point.tobytes()) == (2.5, 2.5, struct.pack("d", 2.5))
    assert point[...].shape == ()
    with pytest.raises(TypeError):
        len(point)
    with pytest.raises(TypeError):
        iter(point).__next__()
    with pytest.raises(TypeError):
        point[0]
    assert memoryview(point)[()] == 2.5
    for shape in [0, (0,), (3, 0), (0, 3)]:
        empty = SharedBuffer(shape, "i")
        assert empty.nbytes == 0
        assert empty.tobytes() == b""
        assert memoryview(empty).nbytes == 0
        assert empty.contiguous
        assert empty[:].shape == empty.shape
    assert SharedBuffer((3, 0)).tolist() == [[], [], []]
    assert not SharedBuffer(0)


def test_slices_take_the_contents_of_buffers() -> None:
    buf = SharedBuffer(8)
    buf[2:5] = b"abc"
    assert buf.tobytes() == b"\0\0abc\0\0\0"
    buf[::2] = b"wxyz"
    assert buf.tobytes() == b"w\0xby\0z\0"
    buf[1:] = buf[:-1]
    assert buf.tobytes() == b"ww\0xby\0z", "overlapping"
    buf[::-1] = buf
    assert buf.tobytes() == b"z\0ybx\0ww"
    numbers = SharedBuffer((2, 2), "i")
    numbers[:, 1] = array.array("i", [5, 6])
    assert numbers.tolist() == [[0, 5], [0, 6]]
    numbers[...] = SharedBuffer.copy_of(numbers[::-1])
    assert numbers.tolist() == [[0, 6], [0, 5]]
    for value in [b"abcd", array.array("i", [1, 2, 3]), array.array("f", [1, 2])]:
        with pytest.raises(ValueError, match="cannot become"):
            numbers[:, 1] = value
    with pytest.raises(TypeError):
        numbers[:, 1] = [1, 2]
    with pytest.raises(TypeError):
        numbers[0] = 5


def test_casts_see_the_same_bytes_differently() -> None:
    buf = SharedBuffer(24)
    wide = buf.cast("q")
    wide[1] = -1
    assert buf.tolist() == [0] * 8 + [255] * 8 + [0] * 8
    grid = buf.cast("H", (3, 4))
    assert (grid.shape, grid[1, 0]) == ((3, 4), 0xFFFF)
    assert grid.cast("<if").shape == (3,)
    assert buf.cast("24s")[0] == bytes(buf)
    assert buf.cast("c", shape=[24])[8] == b"\xff"
    for fmt, shape in [("7s", None), ("q", (2,)), ("q", (2, 2)), ("q", ())]:
        with pytest.raises(TypeError):
            buf.cast(fmt, shape)
    with pytest.raises(ValueError, match=r"."):
        buf.cast("y")
    with pytest.raises(ValueError, match=r"."):
        buf.cast("q", (-3,))
    with pytest.raises(TypeError, match="gaps"):
        buf[::2].cast("H")


def test_reshapes_keep_the_items() -> None:
    buf = SharedBuffer(12, "h")
    buf[5] = 7
    assert buf.reshape((3, 4))[1, 1] == 7
    assert buf.reshape(3, 4).shape == (3, 4)
    assert buf.reshape(2, -1).shape == (2, 6)
    assert buf.reshape(-1).shape == (12,)
    assert buf.reshape((3, 4)).reshape(12)[5] == 7
    assert SharedBuffer(1).reshape(()).shape == ()
    assert SharedBuffer(1).reshape().shape == ()
    for shape in [(5,), (-1, 5), (-1, -1), (-2,), (2**40, 2**40)]:
        with pytest.raises(ValueError, match=r"."):
            buf.reshape(shape)
    with pytest.raises(ValueError, match="gaps"):
        buf[::2].reshape(2, 3)


def test_orders_of_bytes() -> None:
    buf = SharedBuffer.copy_of(memoryview(bytes(range(6))).cast("B", (2, 3)))
    assert buf.tobytes() == buf.tobytes("C") == buf.tobytes(None) == bytes(range(6))
    assert buf.tobytes("F") == bytes([0, 3, 1, 4, 2, 5])
    assert buf.tobytes(order="A") == bytes(range(6))
    with pytest.raises(ValueError, match="order"):
        buf.tobytes("X")  # type: ignore[arg-type]


def test_it_is_compared_by_values() -> None:
    buf = SharedBuffer.copy_of(b"abc")
    assert buf == b"abc" == buf
    assert buf == bytearray(b"abc")
    assert buf != b"abd"
    assert buf != b"ab"
    assert buf != "abc"
    assert buf == buf.toreadonly()
    assert SharedBuffer.copy_of(array.array("i", [1, 2])) == array.array("d", [1, 2])
    assert SharedBuffer.copy_of(array.array("d", [float("nan")])) != array.array("d", [float("nan")])
    zeros = SharedBuffer.copy_of(array.array("d", [0.0]))
    assert zeros == array.array("d", [-0.0])
    assert buf.reshape(1, 3) != buf
    assert SharedBuffer((2, 2), "<if") == SharedBuffer((2, 2), ">if")
    with pytest.raises(TypeError):
        buf < buf  # type: ignore[operator]  # noqa: B015
    with pytest.raises(TypeError):
        hash(buf)


def test_it_is_iterated_and_searched() -> None:
    buf = SharedBuffer.copy_of(b"abc")
    assert list(buf) == [97, 98, 99]
    assert list(reversed(buf)) == [99, 98, 97]
    assert 98 in buf
    assert 5 not in buf
    assert [row.tolist() for row in SharedBuffer((2, 2))] == [[0, 0], [0, 0]]


def test_consumers_of_buffers_take_it() -> None:
    buf = SharedBuffer(16)
    struct.pack_into("<I", buf, 4, 0xDEADBEEF)
    assert struct.unpack_from("<I", buf, 4) == (0xDEADBEEF,)
    assert bytes(buf)[4:8] == b"\xef\xbe\xad\xde"
    view = memoryview(buf)
    view[0] = 9
    assert (buf[0], view.readonly, view.format, view.obj is buf) == (9, False, "B", True)
    assert bytearray(buf) == buf.tobytes()
    assert int.from_bytes(buf, "little") > 0


def test_a_readonly_view_cannot_be_written_to() -> None:
    buf = SharedBuffer(4)
    view = buf.toreadonly()
    assert view.readonly
    assert memoryview(view).readonly
    assert view[1:].cast("b").reshape(3, 1).readonly
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 1
    with pytest.raises(TypeError, match="read-only"):
        view[:] = b"abcd"
    with pytest.raises((BufferError, TypeError)):
        struct.pack_into("B", view, 0, 1)
    buf[0] = 1
    assert view[0] == 1


def test_it_is_a_copy_of_any_buffer() -> None:
    for source in [
        b"abc",
        bytearray(b"abc"),
        array.array("d", [1.5, 2.5]),
        memoryview(b"abcdef")[::2],
        memoryview(b"abcdef").cast("B", (2, 3)),
        (ctypes.c_int * 3)(1, 2, 3),
        ((ctypes.c_short * 3) * 2)(),
        SharedBuffer((2, 3), "<if")[:, ::-1],
        SharedBuffer((), "d"),
        b"",
    ]:
        view = memoryview(source)
        buf = SharedBuffer.copy_of(source)
        assert (buf.shape, buf.format, buf.itemsize) == (view.shape, view.format, view.itemsize)
        assert buf.tobytes() == view.tobytes()
        assert buf.c_contiguous
        assert not buf.readonly
    with pytest.raises(TypeError, match="exports no buffer"):
        SharedBuffer.copy_of([1])  # type: ignore[arg-type]


def test_formats_that_only_others_know_are_carried_and_not_looked_into() -> None:
    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

    points = (Point * 2)((1, 2.0), (3, 4.0))
    buf = SharedBuffer.copy_of(points)
    assert buf.format == memoryview(points).format
    assert buf.tobytes() == bytes(points)
    assert buf[1:].nbytes == buf.itemsize
    with pytest.raises(NotImplementedError, match="format"):
        buf[0]
    with pytest.raises(NotImplementedError, match="format"):
        buf.tolist()
    buf[::-1] = points
    assert buf.tobytes() == bytes(points)[16:] + bytes(points)[:16]


def test_it_is_weakly_referenced_and_freed() -> None:
    gc.collect()
    before = interlane.stats()
    buf = SharedBuffer(1000)
    now = interlane.stats()
    assert (now.live - before.live, now.nbytes - before.nbytes) == (1, 1000)
    row = next(row for row in interlane.shares() if row.type == "interlane.SharedBuffer")
    assert (row.owner, row.nbytes, row.holders, row.state) == (None, 1000, {0: 1}, "live")
    assert row not in interlane.shares(owner=0)
    part, gone = buf[10:], weakref.ref(buf)
    del buf
    assert gone() is None
    assert interlane.stats().live == before.live + 1
    view = memoryview(part)
    del part
    assert interlane.stats().live == before.live + 1
    assert view.nbytes == 990
    view.release()
    after = interlane.stats()
    assert (after.live, after.nbytes) == (before.live, before.nbytes)
    assert after.released == before.released + 1


def test_a_file_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(struct.pack("<4i", 1, 2, 3, 4) + b"xx")
    for name in (path, str(path), bytes(path)):
        buf = SharedBuffer.from_file(name, "<i", 4)
        assert buf.tolist() == [1, 2, 3, 4]
        assert buf.readonly
        assert memoryview(buf).readonly
    assert SharedBuffer.from_file(path).tobytes() == path.read_bytes()
    assert SharedBuffer.from_file(path, offset=16).tobytes() == b"xx"
    assert SharedBuffer.from_file(path, "<i", (1, 2), offset=4).tolist() == [[2, 3]]
    assert SharedBuffer.from_file(path, offset=18).shape == (0,)
    with pytest.raises(TypeError, match="read-only"):
        buf[0] = 5
    mapped = SharedBuffer.from_file(path, "<i", 4, writable=True)
    mapped[1] = 77
    assert buf[1] == 77
    assert struct.unpack_from("<i", path.read_bytes(), 4) == (77,)
    (tmp_path / "empty").touch()
    assert SharedBuffer.from_file(tmp_path / "empty").shape == (0,)


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    for arguments in [
        {"format": "i"},
        {"shape": 11},
        {"shape": (2, 6)},
        {"offset": 11},
        {"offset": -1},
        {"shape": 10, "offset": 1},
        {"shape": -1},
    ]:
        with pytest.raises(ValueError, match=r"."):
            SharedBuffer.from_file(path, **arguments)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        SharedBuffer.from_file(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        SharedBuffer.from_file(tmp_path)
    with pytest.raises(TypeError):
        SharedBuffer.from_file(None)  # type: ignore[arg-type]


def test_large_buffers_take_no_memory_until_they_are_written_to() -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    buf = SharedBuffer(1 << 30)
    buf[1 << 29] = 1
    assert resident() - before < 16 << 20
    assert buf[(1 << 29) - 1 : (1 << 29) + 2].tolist() == [0, 1, 0]


def test_copies_are_independent() -> None:
    buf = SharedBuffer.copy_of(array.array("h", [1, 2, 3, 4])).reshape(2, 2)
    for part in (buf, buf[:, 1], buf[::-1], buf[1:1], buf.toreadonly()):
        copies = [copy.copy(part), copy.deepcopy(part)]
        copies += [pickle.loads(pickle.dumps(part, protocol)) for protocol in range(6)]
        for copied in copies:
            assert type(copied) is SharedBuffer
            assert (copied.shape, copied.format) == (part.shape, part.format)
            assert copied.tobytes() == part.tobytes()
            assert not copied.readonly
            if copied.nbytes:
                copied[...] = SharedBuffer(copied.shape, "h")
    assert buf.tolist() == [[1, 2], [3, 4]]


def test_protocol_5_carries_the_bytes_out_of_band() -> None:
    buf = SharedBuffer((100, 100), "d")
    buf[3, 4] = 5.5
    parts: list[pickle.PickleBuffer] = []
    text = pickle.dumps(buf, 5, buffer_callback=parts.append)
    assert len(text) < 300
    assert [part.raw().nbytes for part in parts] == [80_000]
    copied = pickle.loads(text, buffers=parts)
    assert copied == buf
    copied[3, 4] = 0
    assert buf[3, 4] == 5.5


def test_it_says_that_it_can_be_iterated_over() -> None:
    buffer = SharedBuffer((2, 3), "i")
    assert isinstance(buffer, Iterable)
    assert [row.tolist() for row in buffer] == [[0, 0, 0], [0, 0, 0]]


def test_a_descriptor_is_no_path_and_stays_open(run_child: Any) -> None:
    out = run_child(
        """
        import interlane
        try:
            interlane.SharedBuffer.from_file(1)
        except TypeError as error:
            print(error)
        """
    )
    assert "os.PathLike" in out
