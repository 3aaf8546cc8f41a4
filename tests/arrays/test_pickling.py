"""`fallback="pickle"`: large memory goes beside the pickle, without a copy."""

import pickle

import interlane
import pytest

pytestmark = pytest.mark.usefixtures("nothing_left")


class Holder:
    """Can be pickled and not be shared."""

    def __init__(self, *parts):
        self.parts = parts


class Memory:
    """Gives its memory to the pickle, as protocol 5 lets it."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Memory, (pickle.PickleBuffer(self.data),)


def exchange(item):
    send, recv = interlane.create_channel(fallback="pickle")
    with send, recv:
        send.send(item, timeout=10)
        assert recv.statistics().buffered == 1
        return recv.recv(timeout=10)


def test_large_memory_is_not_copied_and_arrives_read_only():
    data = bytearray(100_000)
    arrived = exchange(Memory(data))
    data[5] = 7
    assert isinstance(arrived.data, memoryview)
    assert arrived.data[5] == 7
    assert arrived.data.readonly
    with pytest.raises(BufferError):
        data.append(0)  # while it is used elsewhere
    del arrived
    interlane.wait_released(timeout=50)
    data.append(0)


def test_small_memory_is_copied_into_the_pickle():
    data = bytearray(100)
    arrived = exchange(Memory(data))
    data[5] = 7
    assert arrived.data[5] == 0
    data.append(0)  # a BufferError while it is used elsewhere


def test_what_shares_itself_stays_itself_inside_of_what_is_pickled():
    send, recv = interlane.create_channel()
    lock, number = interlane.Lock(), interlane.AtomicInt(7)
    text, data = interlane.SharedStr("ä" * 10_000), interlane.SharedBytes(b"x" * 100_000)
    buffer = interlane.SharedBuffer(1000)
    frozen = interlane.freeze({"key": [1, 2]})
    callback = interlane.proxy(lambda: 5)
    holder = exchange(Holder(send, recv, lock, lock, number, text, data, buffer, frozen, callback))
    sender, receiver, same, again, count, words, octets, memory, table, call = holder.parts
    sender.send("item")
    assert receiver.recv() == "item"
    assert same == lock
    assert same is again
    assert count.add() == number.load() == 8
    assert (words, octets) == (text, data)
    assert (type(words), type(octets), octets.aliased) == (interlane.SharedStr, interlane.SharedBytes, True)
    memory[3] = 9
    assert buffer[3] == 9
    assert type(table) is interlane.FrozenDict
    assert table == frozen
    assert call() == 5
    for end in (send, recv, sender, receiver):
        end.close()


def test_a_buffer_is_given_away_inside_of_what_is_pickled():
    buffer = interlane.SharedBuffer(10)
    arrived = exchange(Holder(interlane.move(buffer))).parts[0]
    arrived[0] = 1
    with pytest.raises(interlane.ClosedError):
        buffer[0] = 1


def test_arrays_inside_of_what_is_pickled_are_not_copied(np):
    arrays = [np.arange(1000.0), np.ones((100, 20), order="F"), np.arange(1000).astype("M8[ns]")]
    arrived = exchange(Holder(*arrays)).parts
    for array, other in zip(arrays, arrived, strict=True):
        assert array.dtype == other.dtype
        assert np.array_equal(array, other)
        assert np.shares_memory(array, other)
        assert not other.flags.writeable


def test_what_cannot_be_pickled_leaves_nothing_behind():
    with pytest.raises(interlane.NotShareableError):
        exchange(Holder(Memory(bytearray(100_000)), lambda: 0))


FRAMES = """if True:
    import time
    import interlane, numpy as np, pandas as pd, polars as pl, pyarrow as pa
    n = 10_000
    send, recv = interlane.create_channel(fallback="pickle")
    columns = {
        "int": np.arange(n),
        "float": np.linspace(0, 1, n),
        "bool": np.arange(n) % 2 == 0,
        "time": np.arange(n).astype("M8[ms]"),
        "text": [f"row number {i}" for i in range(n)],
    }

    def exchange(item):
        send.send(item)
        return recv.recv(timeout=10)

    def done():  # threads of the libraries may let go of their part a moment later
        end = time.monotonic() + 20
        while interlane.stats().live and time.monotonic() < end:
            interlane.collect()
            time.sleep(0.002)
        assert interlane.stats().live == 0, interlane.shares()
"""


def _needs_frames():
    for name in ("numpy", "pandas", "polars", "pyarrow"):
        if not importable(name):
            pytest.skip(f"{name} is not installed for this Python")


def importable(name):
    from importlib.util import find_spec

    return find_spec(name) is not None


def test_no_column_of_a_pandas_frame_is_copied(run_child):
    _needs_frames()
    run_child(
        FRAMES
        + """
    frame = pd.DataFrame(columns | {"kind": pd.Categorical(["x", "y"] * (n // 2))})
    frame = frame.set_index("int", drop=False)
    for arrived in (exchange(frame), exchange({"nested": [frame]})["nested"][0]):
        pd.testing.assert_frame_equal(arrived, frame)
        for name in ("int", "float", "bool", "time"):
            assert np.shares_memory(arrived[name].to_numpy(), frame[name].to_numpy()), name
        assert np.shares_memory(arrived["kind"].array.codes, frame["kind"].array.codes)

        def addresses(frame):
            chunks = frame["text"].array._pa_array.chunks
            return [buffer.address for chunk in chunks for buffer in chunk.buffers() if buffer]

        assert addresses(arrived) == addresses(frame)
        try:
            arrived["float"].array[0] = 1
        except ValueError as error:
            assert "read-only" in str(error)
        else:
            raise AssertionError
    series = exchange(frame["float"])
    pd.testing.assert_series_equal(series, frame["float"])
    del arrived, series
    done()
    """,
        timeout=100,
    )


def test_no_column_of_a_polars_frame_is_copied(run_child):
    _needs_frames()
    run_child(
        FRAMES
        + """
    frame = pl.DataFrame(columns).with_columns(
        kind=pl.Series(["x", "y"] * (n // 2), dtype=pl.Categorical),
        lists=pl.Series([[i, i + 1] for i in range(n)]),
    )

    def addresses(frame):  # Polars itself copies the categories
        names = [name for name in frame.columns if name != "kind"]
        chunks = [chunk for name in names for chunk in pa.chunked_array(frame[name]).chunks]
        return [buffer.address for chunk in chunks for buffer in chunk.buffers() if buffer and buffer.size]

    expected = addresses(frame)
    for arrived in (exchange(frame), exchange({"nested": [frame, object]})["nested"][0]):
        assert type(arrived) is pl.DataFrame and arrived.equals(frame) and arrived.schema == frame.schema
        assert addresses(arrived) == expected
        del arrived
    series = exchange(frame["text"])
    assert type(series) is pl.Series and series.name == "text" and series.equals(frame["text"])
    empty = exchange(frame.clear())
    assert empty.equals(frame.clear()) and empty.schema == frame.schema
    del series, empty
    done()
    """,
        timeout=100,
    )


def test_what_arrow_has_no_library_for_is_kept_by_the_library_that_is_there(run_child):
    _needs_frames()
    run_child(
        FRAMES
        + """
    table = pa.table({"a": np.arange(n), "b": columns["text"]})
    arrived = exchange(table)
    assert type(arrived) is pa.Table and arrived.equals(table)
    for name in ("a", "b"):
        for mine, other in zip(table[name].chunks, arrived[name].chunks, strict=True):
            assert [b and b.address for b in mine.buffers()] == [b and b.address for b in other.buffers()]
    del arrived, mine, other
    done()
    """,
        timeout=100,
    )
