"""Data frames, tables and columns of pyarrow, Polars and pandas."""

from importlib.util import find_spec

import pytest

for name in ("numpy", "pandas", "polars", "pyarrow"):
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed for this Python", allow_module_level=True)

COMMON = """
import datetime, decimal
import numpy as np, pandas as pd, polars as pl, pyarrow as pa
n = 1000
texts = [f"row number {i}" for i in range(n)]

def addresses(array):
    '''Where the buffers of an array of pyarrow are, without those that have no bytes.'''
    if isinstance(array, (pa.Table, pa.ChunkedArray)):
        parts = array.columns if isinstance(array, pa.Table) else array.chunks
        return [addresses(part) for part in parts]
    return [buffer.address for buffer in array.buffers() if buffer is not None and buffer.size]
"""


@pytest.fixture
def run(run):
    return lambda code, *args: run(COMMON + code, *args)


def test_arrays_of_every_type_arrive_over_the_same_memory(run):
    run("""
numbers = [1, None, 3, 4]
arrays = [pa.array(numbers, kind) for kind in (
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
    pa.float32(), pa.float64(), pa.date32(), pa.date64(), pa.time32("s"), pa.time64("ns"),
    pa.timestamp("us", "UTC"), pa.duration("ms"), pa.decimal128(10, 2), pa.decimal256(40, 2))]
strings = ["a", None, "", "a long text that is not inlined in a view"]
arrays += [pa.array(strings, kind) for kind in (
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(),
    pa.dictionary(pa.int8(), pa.string()))]
arrays += [
    pa.array([True, None, False]), pa.nulls(5), pa.array([b"ab", b"cd"], pa.binary(2)),
    pa.array([[1], None, [2, 3]]), pa.array([[1], [2]], pa.large_list(pa.int8())),
    pa.array([[1, 2]], pa.list_(pa.int8(), 2)),
    pa.array([[1], [2]], pa.list_view(pa.int8())), pa.array([{"a": 1, "b": "x"}, None]),
    pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
    pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["x", "y"])]),
    pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["y"])]),
    pa.RunEndEncodedArray.from_arrays([2, 5], ["x", "y"]),
    pa.array([], pa.string()), pa.array([], pa.int64()), pa.array([datetime.timedelta(1)]),
    pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"1" * 16], pa.binary(16))),
]
arrays += [array[1:] for array in arrays if len(array) > 1]
for array in arrays:
    got = exchange(array)
    assert type(got) is interlane.ArrowArray and len(got) == len(array), array.type
    back = pa.array(got)
    assert back.type == array.type and back.equals(array), array.type
    back.validate()
    assert addresses(back) == addresses(array), array.type
    assert got.nbytes == sum(area.nbytes for area in interlane.share(array).areas)
    repr(got)
    del got, back
    nothing_is_lost()
""")


def test_tables_batches_and_columns_of_pyarrow(run):
    run("""
table = pa.table({"n": np.arange(n), "t": texts}, metadata={"who": "me"})
table = pa.concat_tables([table.slice(0, 300), table.slice(300)])
got = exchange({"table": table})["table"]
assert type(got) is interlane.ArrowStream and len(got) == n and len(got.chunks) == 2
for _ in range(2):
    back = pa.table(got)
    assert back.equals(table, check_metadata=True) and addresses(back) == addresses(table)
batch = table.to_batches()[1]
one = exchange(batch)
assert type(one) is interlane.ArrowArray
back = pa.record_batch(one)
assert back.equals(batch, check_metadata=True)
assert [addresses(column) for column in back.columns] == [addresses(column) for column in batch.columns]
assert pa.table(one).equals(pa.table(batch))
column = exchange(table["t"])
back = pa.chunked_array(column)
assert back.equals(table["t"]) and addresses(back) == addresses(table["t"])
assert pl.DataFrame(got).equals(pl.from_arrow(table))
if hasattr(pd.DataFrame, "from_arrow"):
    assert pd.DataFrame.from_arrow(got).equals(table.to_pandas())
for empty in (table.slice(0, 0), table.select([]), pa.table({})):
    assert pa.table(exchange(empty)).equals(empty)
del got, back, one, column
nothing_is_lost()
""")


def test_a_reader_is_used_up_and_its_chunks_outlive_it(run):
    run("""
def batches():
    for i in range(3):
        yield pa.record_batch({"n": [i, i + 1]})
schema = pa.schema({"n": pa.int64()})
reader = pa.RecordBatchReader.from_batches(schema, batches())
assert interlane.is_shareable(reader)
got = exchange(reader)
del reader
assert pa.table(got)["n"].to_pylist() == [0, 1, 1, 2, 2, 3]
def broken():
    yield pa.record_batch({"n": [1]})
    raise ZeroDivisionError("upstream is gone")
try:
    exchange(pa.RecordBatchReader.from_batches(schema, broken()))
except (ZeroDivisionError, interlane.NotShareableError) as error:
    assert "upstream is gone" in str(error)
else:
    raise AssertionError
# What cannot be pickled goes as columns there too.
reader = pa.RecordBatchReader.from_batches(schema, batches())
assert len(exchange([reader], fallback="pickle")[0]) == 6
del got
nothing_is_lost()
""")


def test_frames_and_series_of_polars(run):
    run("""
columns = {"n": np.arange(n), "t": texts, "l": [[i] for i in range(n)], "d": [datetime.date(2020, 1, 1)] * n}
frame = pl.DataFrame(columns)
frame = frame.with_columns(c=pl.col("t").cast(pl.Categorical))  # of which Polars itself copies the categories
got = exchange(frame)
assert type(got) is interlane.ArrowStream and len(got) == n
back = pl.DataFrame(got)
assert back.equals(frame) and back.schema == frame.schema
def where(frame):
    return [addresses(pa.chunked_array(frame[name])) for name in frame.columns if name != "c"]
assert where(back) == where(frame)
objects = pl.DataFrame({"n": [1], "o": pl.Series([object()], dtype=pl.Object)})
for fallback in (None, "pickle"):
    for item in (objects, objects["o"]):
        assert "objects of its own interpreter" in refused(lambda: exchange([item], fallback=fallback))
assert not interlane.is_shareable(objects)
series = exchange(frame["n"])
assert pl.Series(series).equals(frame["n"]) and series.chunks[0].name == "n"
del got, back, series
nothing_is_lost()
""")


def test_frames_of_pandas(run):
    run("""
frame = pd.DataFrame({"n": np.arange(n), "f": np.linspace(0, 1, n), "t": texts})
got = exchange(frame)
assert type(got) is interlane.ArrowStream and len(got) == n
table = pa.table(got)
assert table.to_pandas().equals(frame)
assert table["n"].chunk(0).buffers()[1].address == frame["n"].to_numpy().ctypes.data
assert table["f"].chunk(0).buffers()[1].address == frame["f"].to_numpy().ctypes.data
del got, table
nothing_is_lost()
""")


def test_an_isolated_interpreter_reads_the_columns_of_every_library_in_place_and_sends_them_back(run):
    run("""
worker = isolated()
send, recv = interlane.create_channel()
back, answers = interlane.create_channel()
worker.prepare_main(recv=recv, back=back)
for make in (pa.table, pl.DataFrame, pd.DataFrame):
    frame = make({"n": np.arange(n), "f": np.linspace(0, 1, n)})
    expected = pa.table(frame)["n"].chunk(0).buffers()[1].address
    send.send(frame)
    worker.exec(f'''if True:
        got = recv.recv()
        column, = [it for it in got.chunks[0].children if it.name == "n"]
        assert sum(column.buffers[1]) == {n * (n - 1) // 2}
        assert capsules.address(column.buffers[1]) == {expected}
        back.send(got)
        del got, column
    ''')
    again = pa.table(answers.recv())
    assert again["n"].chunk(0).buffers()[1].address == expected
    del again
    nothing_is_lost()
worker.close()
""")


def test_whatever_pyarrow_can_build_arrives_equal_and_leaves_nothing_behind(run):
    run("""
from hypothesis import HealthCheck, given, settings, strategies as st

LEAVES = {
    pa.int8(): st.integers(-128, 127), pa.uint64(): st.integers(0, 2**64 - 1), pa.bool_(): st.booleans(),
    pa.float64(): st.floats(allow_nan=False), pa.string(): st.text(), pa.large_string(): st.text(),
    pa.string_view(): st.text(max_size=40), pa.binary(): st.binary(), pa.date32(): st.dates(),
    pa.binary(3): st.binary(min_size=3, max_size=3), pa.null(): st.none(),
}
RECORDS = "ab"

def nested(inner):
    return st.one_of(
        inner.map(pa.list_), inner.map(pa.large_list), inner.map(pa.list_view),
        inner.map(lambda kind: pa.list_(kind, 2)), inner.map(lambda kind: pa.map_(pa.string(), kind)),
        st.tuples(inner, inner).map(lambda kinds: pa.struct(list(zip(RECORDS, kinds)))))

def values(kind):
    if kind in LEAVES:
        return st.none() | LEAVES[kind]
    if pa.types.is_struct(kind):
        fields = {name: values(kind.field(place).type) for place, name in enumerate(RECORDS)}
        return st.none() | st.fixed_dictionaries(fields)
    if pa.types.is_map(kind):
        return st.none() | st.lists(st.tuples(st.text(max_size=3), values(kind.item_type)), max_size=3)
    size = {"min_size": 2, "max_size": 2} if pa.types.is_fixed_size_list(kind) else {"max_size": 3}
    return st.none() | st.lists(values(kind.value_type), **size)

kinds = st.recursive(st.sampled_from(list(LEAVES)), nested, max_leaves=4)
def arrays_of(kind):
    return st.lists(values(kind), max_size=5).map(lambda them: pa.array(them, kind))

arrays = kinds.flatmap(arrays_of)
send, recv = interlane.create_channel()

@settings(max_examples=60, derandomize=True, database=None, deadline=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(arrays, st.integers(0, 5), st.integers(0, 5))
def check(array, start, length):
    part = array.slice(min(start, len(array)), length)
    send.send(part)
    got = recv.recv()
    back = pa.array(got)
    assert back.equals(part) and len(got) == len(part)
    assert set(addresses(back)) <= set(addresses(part))  # pyarrow leaves out what has no nulls in it
    send.send(pa.chunked_array([array, part]))
    got = recv.recv()
    assert pa.chunked_array(got).to_pylist() == array.to_pylist() + part.to_pylist()
    got.nbytes, [chunk.buffers for chunk in got.chunks]

check()
nothing_is_lost()
""")
