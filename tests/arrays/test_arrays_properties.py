"""Arrays of all kinds arrive as promised, equal, over the same memory, and leave nothing pinned."""

from typing import Any

import interlane
import pytest
from interlane import SharedBuffer

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis cannot be had for this Python")
from hypothesis import given, settings, strategies as st  # noqa: E402

pytestmark = pytest.mark.usefixtures("nothing_left")

PROFILE = settings(max_examples=50)
SHAPES = st.lists(st.integers(min_value=0, max_value=4), max_size=4).map(tuple)


def arrive(item: Any) -> Any:
    send, recv = interlane.create_channel()
    with send, recv:
        send.send({"deep": [item]})
        return recv.recv()["deep"][0]


def test_arrays_of_numpy(np: Any) -> None:
    from hypothesis.extra import numpy as of_numpy

    plain = st.one_of(
        of_numpy.boolean_dtypes(),
        of_numpy.integer_dtypes(endianness="?"),
        of_numpy.unsigned_integer_dtypes(endianness="?"),
        of_numpy.floating_dtypes(endianness="?"),
        of_numpy.complex_number_dtypes(endianness="?"),
        of_numpy.datetime64_dtypes(endianness="?"),
        of_numpy.timedelta64_dtypes(endianness="?"),
        of_numpy.byte_string_dtypes(),
        of_numpy.unicode_string_dtypes(endianness="?"),
    )
    kinds = st.one_of(plain, of_numpy.array_dtypes(plain, max_size=3, allow_subarrays=True))

    @PROFILE
    @given(kinds, SHAPES, st.data())
    def check(dtype: Any, shape: tuple[int, ...], data: Any) -> None:
        size = int(np.prod(shape, dtype=int)) * dtype.itemsize
        content = (bytes(range(256)) * (size // 256 + 1))[:size]
        if dtype.kind in "bU" or dtype.names:
            content = bytes(size)  # not everything is a truth value or a character
        whole = (
            np.frombuffer(bytearray(content), "u1").view(dtype).reshape(shape)
            if size
            else np.zeros(shape, dtype)
        )
        order = data.draw(st.sampled_from("CF"))
        whole = np.array(whole, order=order)
        part = whole
        if shape:
            steps = data.draw(st.tuples(*(st.sampled_from([1, 2, -1, -2]) for _ in shape)))
            part = whole[tuple(slice(None, None, step) for step in steps)]
        for array in (whole, part):
            got = arrive(array)
            assert type(got) is np.ndarray
            assert (got.dtype, got.shape) == (array.dtype, array.shape)
            # How far apart the items of a dimension with one item are, nobody can tell.
            apart = [place for place, count in enumerate(array.shape) if count > 1 and array.size]
            assert [got.strides[place] for place in apart] == [array.strides[place] for place in apart]
            assert not got.flags.writeable
            assert got.tobytes() == array.tobytes()
            assert np.may_share_memory(got, array) or not array.nbytes

    check()


@PROFILE
@given(SHAPES, st.sampled_from("bBhHiIlLqQefd?"), st.randoms(use_true_random=False))
def test_tensors(shape: tuple[int, ...], code: str, random: Any) -> None:
    buffer = SharedBuffer(shape, code)
    flat = memoryview(buffer.cast("B")) if buffer.nbytes else memoryview(bytearray())
    if buffer.nbytes:
        flat[:] = bytes(random.randrange(2) for _ in range(buffer.nbytes))

    class Tensor:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

        def __dlpack__(self, **options: Any) -> Any:
            return buffer.__dlpack__(**options)

    got = arrive(Tensor())
    assert type(got) is SharedBuffer
    assert got.readonly
    assert (got.shape, got.itemsize) == (buffer.shape, buffer.itemsize)
    assert got.tobytes() == buffer.tobytes()


@PROFILE
@given(
    st.lists(st.none() | st.integers(min_value=-(2**63), max_value=2**63 - 1), max_size=20),
    st.lists(st.none() | st.text(max_size=5), max_size=20),
    st.lists(st.none() | st.lists(st.booleans() | st.none(), max_size=3), max_size=20),
    st.integers(min_value=0, max_value=5),
)
def test_arrow(numbers: list[Any], texts: list[Any], lists: list[Any], start: int) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow has no wheel for this Python")
    columns = [
        pa.array(numbers, pa.int64()),
        pa.array(texts, pa.string()),
        pa.array(lists, pa.list_(pa.bool_())),
        pa.array(texts, pa.string()).dictionary_encode(),
    ]
    for column in columns:
        got = arrive(column[start:])
        assert type(got) is interlane.ArrowArray
        assert len(got) == max(len(column) - start, 0)
        assert pa.array(got).equals(column[start:])
    table = pa.table({"texts": columns[1], "codes": columns[3]})
    got = arrive(table)
    assert type(got) is interlane.ArrowStream
    assert pa.table(got).equals(table)
