"""What arrives of the Arrow C data interface: by a producer and a consumer of our own."""

import pytest

from tests.arrays.conftest import PRODUCER


@pytest.fixture
def run(run):
    return lambda code, *args, **options: run(PRODUCER + code, *args, **options)


def test_a_consumer_in_an_isolated_interpreter_gets_the_same_addresses_as_often_as_it_asks(run):
    run("""
sent = table()
worker = isolated()
send, recv = interlane.create_channel()
worker.prepare_main(recv=recv)
worker.prepare_main(expected=(capsules.address(numbers), capsules.address(ends), capsules.address(text)))
send.send(sent)
worker.exec('''if True:
    got = recv.recv()
    assert type(got) is interlane.ArrowArray and len(got) == 4
    n, e, t = expected
    for _ in range(3):
        for foreign in (False, True):
            fields, columns = got.__arrow_c_array__()
            assert capsules.take_schema(fields) == ("+s", None, None, 2, [
                ("l", "n", None, 2, [], None), ("u", "t", None, 2, [], None)], None)
            handle, tree = capsules.take_array(columns)
            assert tree == (4, 0, 0, [0], [(4, 0, 0, [0, n], [], None), (4, 0, 0, [0, e, t], [], None)], None)
            capsules.give_back(handle, foreign)
    assert capsules.take_schema(got.__arrow_c_schema__())[0] == "+s"
    fields, ((handle, tree),) = capsules.take_stream(got.__arrow_c_stream__())
    assert fields[0] == "+s" and tree[4][0][3] == [0, n]
    del got, fields, columns
''')
# What a consumer has taken out keeps the share, with no object left.
assert interlane.shares()[0].holders == {worker.id: 1}
assert capsules.log() and not [row for row in capsules.log() if row[0] == "array"]
worker.exec("capsules.give_back(handle, True)")
nothing_is_lost()
worker.close()
""")


def test_all_that_a_structure_says_arrives(run):
    run("""
import struct
def pairs(**pairs):
    parts = [struct.pack("=i", len(pairs))]
    for key, value in pairs.items():
        parts += [struct.pack("=i", len(key)), key.encode(), struct.pack("=i", len(value)), value]
    return b"".join(parts)

metadata = pairs(**{"ARROW:extension:name": b"a.b", "zero": b"\\0" * 5, "none": b""})
values, sizes = items(3, None, ends, text), array("q", [16, 20])
made = {
    "extension": (schema("l", name="x", metadata=metadata, flags=4), items(3, None, numbers)),
    "no names": (schema("l", metadata=pairs()), items(3, None, numbers)),
    "dictionary": (schema("i", flags=3, dictionary=schema("u")), items(4, None, ends, dictionary=values)),
    "nulls and offset": (schema("l"), items(3, text, numbers, nulls=-1, offset=5)),
    "nested": (schema("+l", schema("+w:2", schema("+s", schema("b")))), items(1, None, ends, children=[
        items(4, None, children=[items(8, None, children=[items(8, None, text)])])])),
    "empty": (schema("u"), items(0, None, None, None)),
    "null": (schema("n"), items(10, nulls=10)),
    "records without fields": (schema("+s"), items(7, None)),
    "views": (schema("vu"), items(1, None, text, numbers, ends, sizes)),
    "union": (schema("+us:0,1", schema("l"), schema("f")), items(2, text, children=[
        items(2, None, numbers), items(2, None, numbers)])),
    "run ends": (schema("+r", schema("i"), schema("l")), items(9, children=[
        items(1, None, ends), items(1, None, numbers)])),
    "of the future": (schema("xyz:?", schema("abc")), items(1, 7, 7, 7, children=[items(1)])),
}
for name, (fields, columns) in made.items():
    got = exchange(Array(fields, columns))
    assert capsules.take_schema(got.__arrow_c_schema__()) == fields, name
    handle, tree = capsules.take_array(got.__arrow_c_array__()[1])
    assert tree == columns, (name, tree, columns)
    assert len(got) == columns[0] and got.format == fields[0] and got.name == fields[1], name
    repr(got)
    capsules.give_back(handle, False)
    del got
    nothing_is_lost()
""")


def test_a_stream_arrives_with_all_its_chunks_and_can_be_read_again(run):
    run("""
sent = Stream(schema("l"), [items(2, None, numbers), items(3, None, numbers, offset=2), items(0, None, None)])
got = exchange([sent])[0]
assert sent.asked == 1
assert type(got) is interlane.ArrowStream and len(got) == 5
assert not hasattr(got, "__arrow_c_array__")
for _ in range(2):
    fields, chunks = capsules.take_stream(got.__arrow_c_stream__())
    assert fields == sent.schema and [tree for _, tree in chunks] == sent.arrays
    for handle, _ in chunks:
        capsules.give_back(handle, True)
assert [len(chunk) for chunk in got.chunks] == [2, 3, 0]
one = got.chunks[1]
assert one.offset == 2 and one.buffers[1][one.offset :].tolist() == [2, 3, 4]
got.__arrow_c_stream__()  # never read
del got, one
nothing_is_lost()
assert len(exchange(Stream(schema("l"), []))) == 0
nothing_is_lost()
assert {row[0] for row in capsules.log()} == {"schema", "array", "stream"}
""")


def test_python_code_can_read_the_memory_without_any_library(run):
    run("""
got = exchange(table())
n, t = got.children
assert (n.name, t.name, n.format, t.format) == ("n", "t", "l", "u")
validity, data = n.buffers
assert validity is None and data.format == "q" and data.readonly and data.tolist() == [0, 1, 2, 3]
_, where, characters = t.buffers
assert where.tolist() == [0, 1, 3, 6, 10] and bytes(characters) == b"abbcccdddd"
assert capsules.address(data) == capsules.address(numbers)
assert got.nbytes == 4 * 8 + 5 * 4 + 10 and n.nbytes == 32
assert n.null_count == 0 and got.dictionary is None
assert repr(got) == "<ArrowArray format='+s' 4 items, 62 bytes>"
del got, n, t, where, characters
assert data[3] == 3
del data
nothing_is_lost()
values = items(4, None, ends, text)
got = exchange(Array(schema("C", dictionary=schema("u")), items(2, None, text, dictionary=values)))
assert bytes(got.dictionary.buffers[2]) == bytes(text) and got.buffers[1].tolist() == [97, 98]
sizes = array("q", [4, 6])
got = exchange(Array(schema("vz"), items(1, None, numbers, text, text, sizes, nulls=-1)))
assert [view and view.nbytes for view in got.buffers] == [None, 16, 4, 6, 16] and got.null_count is None
""")


def test_values_of_one_size_without_nulls_are_a_buffer(run):
    run("""
got = exchange(Array(schema("l"), items(3, None, numbers, offset=2)))
view = memoryview(got)
assert (view.format, view.shape, view.readonly, view.tolist()) == ("q", (3,), True, [2, 3, 4])
assert capsules.address(got) == capsules.address(numbers) + 16
# A view goes on as the owner's memory.
worker = isolated()
send, recv = interlane.create_channel()
worker.prepare_main(recv=recv)
send.send(view)
del got, view
worker.exec("view = recv.recv(); assert list(view) == [2, 3, 4]")
assert [set(row.holders) for row in interlane.shares()] == [{worker.id}]
worker.close()
nothing_is_lost()
assert memoryview(exchange(Array(schema("d:3,1"), items(2, None, numbers)))).nbytes == 32
assert memoryview(exchange(Array(schema("f"), items(0, None, None)))).nbytes == 0
for fields, array in (
    (schema("l"), items(3, text, numbers, nulls=1)), (schema("l"), items(3, text, numbers, nulls=-1)),
    (schema("b"), items(3, None, numbers)), (schema("u"), items(3, None, ends, text)),
    (schema("i", dictionary=schema("l")), items(3, None, ends, dictionary=items(4, None, numbers))),
    (schema("+s"), items(3, None)), (schema("n"), items(3)), (schema("l"), items(3, None, None)),
):
    assert "without nulls" in refused(memoryview, exchange(Array(fields, array)), error=BufferError)
nothing_is_lost()
""")
