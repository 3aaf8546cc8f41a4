"""Arrays, scalars and data types of NumPy."""

from collections.abc import Iterator
from typing import Any

import interlane
import pytest
from interlane import interpreters

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def worker() -> Iterator[Any]:
    """An isolated interpreter, which has no NumPy."""
    interp = interpreters.create()
    interp.exec("import interlane")
    yield interp
    interp.close()


def exchange(item: Any, **options: Any) -> Any:
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=10)
        return recv.recv(timeout=10)


DTYPES = [
    *"?bBhHiIlLqQefdgFDG",
    ">i4",
    ">f8",
    ">c16",
    "S5",
    "U5",
    ">U5",
    "V8",
    "M8[ns]",
    "m8[D]",
    ">M8[s]",
    [("a", "i4"), ("b", "S3")],
    [("a", "i4"), ("b", "M8[s]")],
    [("t", "m8[us]", (2, 2))],
    [("a", [("x", "f4"), ("y", ">i2", (2, 3))]), ("b", "?")],
    {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 24},
    {"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2], "itemsize": 10},
    {"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [4, 0], "itemsize": 16},
    {"names": ["a"], "formats": ["i4"], "titles": ["the first"]},
    [("with: a colon", "i4")],
    [("é", "i4")],
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_an_array_arrives_as_an_equal_array_over_the_same_memory(np, dtype):
    array = np.zeros((3, 4), dtype)
    array.view("B")[...] = np.arange(array.nbytes).reshape(3, -1) % 2
    arrived = exchange(array)
    assert type(arrived) is np.ndarray
    assert arrived.dtype == array.dtype
    assert (arrived.shape, arrived.strides) == (array.shape, array.strides)
    assert arrived.tobytes() == array.tobytes()
    assert arrived.ctypes.data == array.ctypes.data
    assert not arrived.flags.writeable


def test_where_numpy_is_not_loaded_it_arrives_as_a_buffer_and_goes_back_as_an_array(np, worker):
    send, recv = interlane.create_channel()
    back, here = interlane.create_channel()
    worker.prepare_main(recv=recv, back=back)
    records = np.zeros(3, [("a", "<i4"), ("b", "<f8")])
    records["b"] = [1, 2, 3]
    times = np.arange(6).astype("M8[ns]").reshape(2, 3)
    plain = np.arange(24, dtype="<i4").reshape(2, 3, 4)[::-1, :, ::2]
    fortran = np.asfortranarray(np.eye(3, dtype=">f4"))
    for array in (plain, fortran, np.array(2.5), records, times, np.zeros((0, 3)), np.array([True])):
        send.send({"array": [array]})
        worker.exec("""if True:
            import interlane
            got = recv.recv()["array"][0]
            assert type(got) is interlane.SharedBuffer and got.readonly
            interface = got.__array_interface__
            back.send((got.shape, got.strides, interface["typestr"], interface["data"][0]))
            back.send(got)
            back.send([got[...], got.tolist() if got.format == "i" else None])
            del got
        """)
        shape, strides, typestr, address = here.recv()
        assert shape == array.shape
        if array.size:
            assert strides == array.strides
            assert address == array.ctypes.data
        assert typestr == array.dtype.str
        whole = here.recv()
        (again, values) = here.recv()
        for arrived in (whole, again):
            assert type(arrived) is np.ndarray
            assert arrived.dtype == array.dtype
            assert np.array_equal(arrived, array)
            assert not arrived.flags.writeable
            if array.size:
                assert arrived.ctypes.data == array.ctypes.data
        assert values is None or values == array.tolist()
        del whole, again, arrived
    worker.exec("import interlane; interlane.collect()")


def test_what_a_worker_makes_is_an_array_for_whoever_has_numpy(np, worker):
    send, recv = interlane.create_channel()
    worker.prepare_main(send=send)
    worker.exec("""if True:
        buf = interlane.SharedBuffer((2, 2), "d")
        buf[1, 0] = 5
        send.send(buf)
        del buf
    """)
    result = recv.recv()
    array = np.asarray(result)
    assert array.dtype == float
    assert array.tolist() == [[0, 0], [5, 0]]
    array[0, 0] = 1
    assert result[0, 0] == 1


def test_any_layout_arrives_as_it_is(np):
    array = np.arange(24.0).reshape(2, 3, 4)
    layouts = [array.T, array[::-1, :, ::2], array[:, 1], np.asfortranarray(array), array[1, 2, 3, ...]]
    for view in [*layouts, array[:, :0], np.zeros((0, 3)), np.broadcast_to(np.float64(1), (3, 3))]:
        arrived = exchange(view)
        assert type(arrived) is np.ndarray
        assert arrived.shape == view.shape
        assert np.array_equal(arrived, view)
        if view.size:
            assert arrived.strides == view.strides
            assert arrived.ctypes.data == view.ctypes.data
        del arrived


def test_an_aligned_type_stays_aligned(np):
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    assert exchange(np.zeros(2, dtype)).dtype.isalignedstruct


def test_items_without_bytes_arrive(np):
    for dtype in ("V0", "S0", "U0"):
        array = np.empty((2, 3), np.dtype(dtype))
        arrived = exchange(array)
        assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)


def test_changes_show_and_writable_lets_borrowers_change(np, worker):
    array = np.zeros(4)
    arrived = exchange(array)
    array[1] = 7
    assert arrived[1] == 7
    with interlane.share(array, writable=True) as share:
        worker.prepare_main(share=share)
        worker.exec("view = share.get(); memoryview(view)[2] = 8.5; del view; share.close(); del share")
    assert array.tolist() == [0, 7, 8.5, 0]
    del arrived
    array.flags.writeable = False
    with pytest.raises((BufferError, ValueError)):
        interlane.share(array, writable=True)


@pytest.mark.parametrize("dtype", ["O", [("o", "O")], [("a", [("b", "O", (2,))])], "T"], ids=str)
def test_references_to_objects_are_refused_with_the_reason(np, dtype):
    dtype = np.dtypes.StringDType() if dtype == "T" else np.dtype(dtype)
    with pytest.raises(
        interlane.NotShareableError, match=r"item\['a'\]: numpy.ndarray .* references to objects"
    ):
        exchange({"a": np.zeros(2, dtype)})
    arrived = exchange(np.array([1, None]), fallback="pickle")
    assert arrived.tolist() == [1, None]


def test_no_view_of_references_to_objects_is_sent(np):
    for exporter in (memoryview(np.array([1, None])), memoryview(np.zeros(1, [("O", "O")]))):
        with pytest.raises(interlane.NotShareableError, match="references to objects"):
            exchange(exporter)
    assert exchange(memoryview(np.zeros(1, [("O", "i4")]))).format == "T{i:O:}"


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_the_views_that_numpy_has_of_an_array_arrive_as_such(np):
    matrix = np.asmatrix(np.eye(2))
    arrived = exchange(matrix)
    assert type(arrived) is np.matrix
    assert np.shares_memory(arrived, matrix)
    records = np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    arrived = exchange(records)
    assert type(arrived) is np.recarray
    assert arrived.dtype == records.dtype
    assert arrived.b[0] == 2


def test_a_memory_map_arrives_as_an_array(np, tmp_path):
    mapped = np.memmap(tmp_path / "file", "i4", "w+", shape=(1000,))
    mapped[:] = 7
    arrived = exchange(mapped)
    assert type(arrived) is np.ndarray
    assert np.shares_memory(arrived, mapped)


def test_a_masked_array_keeps_its_mask(np, worker):
    masked = np.ma.array([1, 2, 3], mask=[False, True, False], fill_value=9)
    arrived = exchange(masked)
    assert type(arrived) is np.ma.MaskedArray
    assert arrived.filled().tolist() == [1, 9, 3]
    assert np.shares_memory(arrived.data, masked.data)
    assert exchange(np.ma.array([1, 2])).mask is np.ma.nomask
    send, recv = interlane.create_channel()
    worker.prepare_main(recv=recv)
    send.send(masked)
    worker.exec("""if True:
        try:
            recv.recv()
        except ImportError as error:
            assert "masked array" in str(error)
        else:
            raise AssertionError
    """)


def test_other_subclasses_are_refused_until_somebody_says_how(np):
    class Quantity(np.ndarray):
        """Would lose its unit."""

    quantity = np.zeros(3).view(Quantity)
    with pytest.raises(
        interlane.NotShareableError, match=r"item\[1\]: .*Quantity is a subclass of numpy.ndarray"
    ):
        exchange([0, quantity])
    interlane.register(Quantity, lambda quantity: (np.asarray, (quantity.view(np.ndarray),)))
    try:
        assert np.shares_memory(exchange(quantity), quantity)
    finally:
        interlane.unregister(Quantity)


def test_scalars_arrive_as_equal_scalars(np):
    record = np.ones(1, [("a", "i4"), ("t", "M8[s]")])[0]
    scalars = [
        np.float64(1.5),
        np.int64(3),
        np.bool_(1),
        np.str_("a"),
        np.str_(""),
        np.bytes_(b"a"),
        np.bytes_(b""),
    ]
    scalars += [
        np.float16(1),
        np.longdouble(2),
        np.complex64(1j),
        np.datetime64("2020"),
        np.timedelta64(4, "D"),
    ]
    for scalar in [*scalars, record]:
        arrived = exchange(scalar)
        assert type(arrived) is type(scalar)
        assert arrived == scalar
        assert arrived.dtype == scalar.dtype


def test_scalars_arrive_as_pythons_own_where_there_is_no_numpy(np, worker):
    send, recv = interlane.create_channel()
    worker.prepare_main(recv=recv)
    for scalar in (np.float32(1.5), np.int8(-3), np.bool_(1), np.str_("text"), np.bytes_(b"data")):
        send.send(scalar)
    worker.exec("assert [recv.recv() for _ in range(5)] == [1.5, -3, True, 'text', b'data']")
    send.send(np.datetime64("2020"))
    worker.exec("""if True:
        try:
            recv.recv()
        except ImportError as error:
            assert "M8[Y]" in str(error), error
        else:
            raise AssertionError
    """)


def test_data_types_and_their_classes_arrive(np):
    for dtype in DTYPES:
        assert exchange([np.dtype(dtype)]) == [np.dtype(dtype)]
    assert exchange(np.float64) is np.float64


def test_an_array_is_met_once_in_a_container(np):
    array = np.arange(3)
    first, (second, third) = exchange([array, [array, array.T]])
    assert first is second
    assert third is not first
    assert np.shares_memory(third, first)


def test_what_arrived_goes_on_without_the_interpreter_between(np):
    array = np.arange(1000)
    first = exchange(array)
    part = first[1:].reshape(3, -1)[::-1, ::2]
    second = exchange(part)
    assert np.array_equal(second, part)
    assert second.ctypes.data == part.ctypes.data
    assert interlane.stats().live == 1
    del first, part
    assert second[-1, 0] == 1


def test_numpy_is_not_loaded_for_it(run_child):
    run_child("""if True:
        import array, sys, interlane
        from interlane import interpreters
        worker = interpreters.create()
        send, recv = interlane.create_channel()
        worker.prepare_main(recv=recv)
        worker.exec("import sys")
        send.send(array.array("d", [1, 2]))
        send.send(interlane.SharedStr("x"))
        worker.exec("assert list(recv.recv()) == [1, 2] and recv.recv() == 'x'")
        worker.exec("assert 'numpy' not in sys.modules")
        assert "numpy" not in sys.modules
        worker.close()
    """)


def test_an_interpreter_with_the_main_gil_gets_arrays_if_it_is_the_one_with_numpy(np, run_child):
    # NumPy loads once in a process, wherever that is.
    run_child("""if True:
        import sys, interlane
        if sys.version_info >= (3, 13):
            import _interpreters
            other = _interpreters.create("legacy")
            run = lambda code: _interpreters.exec(other, code)
        else:
            import _xxsubinterpreters as _interpreters
            other = _interpreters.create(isolated=False)
            run = lambda code: _interpreters.run_string(other, code)
        there, here = interlane.create_channel()
        send, recv = interlane.create_channel()
        error = run(f'''if True:
            import warnings
            warnings.simplefilter("ignore")  # NumPy says that it would rather not
            import numpy as np
            import interlane
            recv = interlane.RecvChannel.from_id({recv.id})
            there = interlane.SendChannel.from_id({there.id})
            send = interlane.SendChannel.from_id({send.id})
            array = np.arange(1000.0).reshape(10, 100)
            send.send(array)
            arrived = recv.recv()
            assert type(arrived) is np.ndarray and arrived.ctypes.data == array.ctypes.data
            there.send(array[:, ::2])
            del arrived
        ''')
        assert error is None, error
        back = here.recv(timeout=10)
        assert back.shape == (10, 50) and back.strides == (800, 16) and back[1, 1] == 102
        assert "numpy" not in sys.modules
        del back
        interlane.collect()
        run("interlane.collect(); interlane.wait_released(timeout=10)")
        assert interlane.stats().live == 0, interlane.shares()
        _interpreters.destroy(other)
    """)


def test_arrays_that_outlive_their_interpreter_stay_readable(np, run_child):
    run_child("""if True:
        import numpy as np, interlane
        from interlane import interpreters
        worker = interpreters.create()
        send, recv = interlane.create_channel()
        worker.prepare_main(send=send)
        worker.exec("send.send(memoryview(bytearray(range(100))).cast('B', (10, 10)))")
        array = np.asarray(recv.recv(timeout=10))
        worker.close()
        assert array.sum() == sum(range(100))
        assert interlane.shares()[0].state == "orphaned"
    """)
