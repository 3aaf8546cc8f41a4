"""Objects that give their memory away by the Arrow C data interface: a producer and a consumer of our own."""

import sys

import pytest

# A producer: trees as in capsules.c, over the memory of whatever is given for a buffer.
PRODUCER = """
from array import array

def at(buffer):
    return 0 if buffer is None else buffer if isinstance(buffer, int) else capsules.address(buffer)

def schema(format, *children, name=None, metadata=None, flags=2, dictionary=None):
    return (format, name, metadata, flags, list(children), dictionary)

def items(length, *buffers, children=(), dictionary=None, nulls=0, offset=0):
    return (length, nulls, offset, [at(buffer) for buffer in buffers], list(children), dictionary)

class Kept:
    def __init__(self, *buffers): self.buffers = buffers

class Array:
    def __init__(self, schema, array, *buffers):
        self.schema, self.array, self.kept = schema, array, Kept(*buffers)
    def __arrow_c_schema__(self): return capsules.schema(self.schema)
    def __arrow_c_array__(self, requested_schema=None):
        return capsules.schema(self.schema), capsules.array(self.array, self.kept)

class Stream:
    def __init__(self, schema, arrays, *buffers, failure=0, message=None):
        self.schema, self.arrays, self.kept = schema, arrays, Kept(*buffers)
        self.failure, self.message, self.asked = failure, message, 0
    def __arrow_c_stream__(self, requested_schema=None):
        self.asked += 1
        return capsules.stream(self.schema, self.arrays, self.kept, self.failure, self.message)

numbers = array("q", range(1000))
ends = array("i", [0, 1, 3, 6, 10])
text = bytearray(b"abbcccdddd")

def table():
    '''Records of a number and a text.'''
    fields = schema("+s", schema("l", name="n"), schema("u", name="t"))
    columns = [items(4, None, numbers), items(4, None, ends, text)]
    return Array(fields, items(4, None, children=columns), numbers, ends, text)
"""


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


def test_the_producers_release_runs_once_in_its_own_interpreter_whoever_drops_the_last(run):
    run("""
worker = isolated()
send, recv = interlane.create_channel()
worker.prepare_main(recv=recv)
home, me = interpreters.get_current().id, threading.get_ident()
for foreign in (False, True):
    capsules.log()
    sent = table()
    kept = sent.kept
    before = sys.getrefcount(kept)
    send.send(sent)
    del sent
    worker.exec('''if True:
        handle, _ = capsules.take_array(recv.recv().__arrow_c_array__()[1])
    ''')
    # The schema went back at once: it was copied. An array is a root and two columns.
    assert [row[0] for row in capsules.log()] == ["schema"] * 3
    assert sys.getrefcount(kept) > before
    worker.exec(f"capsules.give_back(handle, {foreign})")
    nothing_is_lost()
    rows = capsules.log()
    assert [row[0] for row in rows] == ["array"] * 3, rows
    assert {row[1] for row in rows} == {home}, rows
    del kept
worker.close()
""")


def test_a_release_does_not_wait_for_the_owner_and_runs_in_it_while_it_sleeps(run):
    run(
        """
owner = isolated()
send, recv = interlane.create_channel()
owner.prepare_main(send=send)
owner.exec(sys.argv[1] + "\\nsend.send(table())")
got = recv.recv()
capsules.log()
del got
end = time.monotonic() + 50
while not (rows := capsules.log()) and time.monotonic() < end:
    time.sleep(0.01)
assert {(what, interpreter) for what, interpreter, _ in rows} == {("array", owner.id)}, rows
assert threading.get_ident() not in {thread for *_, thread in rows}
owner.close()
""",
        PRODUCER,
    )


def test_children_that_a_consumer_takes_out_outlive_the_rest(run):
    run("""
got = exchange(table())
handle, tree = capsules.take_array(got.__arrow_c_array__()[1])
child, child_tree = capsules.take_child(handle, 1)
assert child_tree == tree[4][1]
capsules.give_back(handle, True)
del got
assert interlane.stats().live == 1
capsules.give_back(child, True)
nothing_is_lost()
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


def test_what_arrived_goes_on_to_a_third_interpreter_as_the_owners(run):
    run("""
second, third = isolated(), isolated()
a, b = interlane.create_channel()
c, d = interlane.create_channel()
e, f = interlane.create_channel()
second.prepare_main(recv=b, send=c)
third.prepare_main(recv=d, send=e)
a.send(table())
second.exec("got = recv.recv(); send.send(got); send.send({'part': got.children[0]}); del got")
second.close()
third.exec("got = recv.recv(); part = recv.recv()['part']")
third.exec("assert part.buffers[1].tolist() == [0, 1, 2, 3] and len(got) == 4")
assert interlane.shares()[0].holders == {third.id: 2} and interlane.stats().live == 1
third.exec("send.send(got); send.send(part); del got, part")
back, part = f.recv(), f.recv()
for column in (back.children[0], part):
    assert capsules.address(column.buffers[1]) == capsules.address(numbers)
del column
third.close()
del back, part
nothing_is_lost()
""")


def test_the_standard_librarys_own_ways_carry_it_too(run):
    run("""
got = exchange(table())
worker = isolated()
worker.prepare_main(got=got)
worker.exec("assert len(got) == 4 and got.children[1].name == 't'; del got")
worker.close()
del got
nothing_is_lost()
""")


def test_a_share_has_the_buffers_as_areas_and_counts_as_one(run):
    run("""
done = []
sent = table()
share = interlane.share(sent, on_release=done.append)
assert share.nbytes == 62 and share.get() is sent
assert [(area.format, area.nbytes) for area in share.areas] == [("q", 32), ("i", 20), ("B", 10)]
row = interlane.shares()[0]
assert row.type.endswith("Array") and row.nbytes == 62
worker = isolated(share=share)
worker.exec("got = share.get(); share.close(); del share")
share.close()
capsules.log()
assert interlane.stats().live == 1
worker.exec("handle, _ = capsules.take_array(got.__arrow_c_array__()[1]); del got")
assert interlane.stats().live == 1 and not done
worker.exec("capsules.give_back(handle, True)")
nothing_is_lost()
assert done == [sent] and {row[1] for row in capsules.log()} == {0}
worker.close()
refused(lambda: interlane.share(table(), writable=True), error=BufferError)
nothing_is_lost()
""")


def test_rows_in_the_table_of_shares_name_the_producer(run):
    run("""
send, recv = interlane.create_channel()
send.send(table())
row, = interlane.shares()
assert row.type.endswith(".Array") and (row.nbytes, row.in_transit) == (62, 1), row
recv.recv()
nothing_is_lost()
""")


def test_asking_whether_it_can_be_shared_uses_nothing_up(run):
    run("""
sent = Stream(schema("l"), [items(2, None, numbers)])
assert interlane.is_shareable([sent]) and interlane.explain({"a": sent}) is None and sent.asked == 0
assert interlane.is_shareable(table())
nothing_is_lost()
""")


def test_an_owner_that_ends_leaves_the_memory_to_its_borrowers(run):
    run(
        """
def lend(make):
    owner = isolated()
    send, recv = interlane.create_channel()
    owner.prepare_main(send=send)
    owner.exec(sys.argv[1] + f"\\nsend.send({make})")
    got = recv.recv()
    owner.close()
    return got

one = lend("table()")
stream = lend("Stream(schema('l'), [items(4, None, numbers)])")
capsules.log()
shared = lend("interlane.share(table())").get()
nested = lend("[table()]")[0]
now = interlane.stats()
assert (now.orphaned, now.live) == (4, 0), now
assert {row.state for row in interlane.shares()} == {'orphaned'}
for got in (one, shared, nested):
    assert got.children[0].buffers[1].tolist() == [0, 1, 2, 3]
    assert bytes(got.children[1].buffers[2]) == b"abbcccdddd"
assert stream.chunks[0].buffers[1].tolist() == [0, 1, 2, 3]
handle, tree = capsules.take_array(one.__arrow_c_array__()[1])
_, ((second, _),) = capsules.take_stream(stream.__arrow_c_stream__())
del one, stream, shared, nested, got
capsules.give_back(handle, True)
capsules.give_back(second, False)
nothing_is_lost(orphaned=4)
assert "array" not in {row[0] for row in capsules.log()}  # nobody is left who could
""",
        PRODUCER,
    )


def test_a_consumer_may_outlive_the_interpreter_that_it_has_the_memory_from(run):
    run("""
worker = isolated()
send, recv = interlane.create_channel()
back, answers = interlane.create_channel()
worker.prepare_main(recv=recv, back=back)
send.send(table())
worker.exec("handle, _ = capsules.take_array(recv.recv().__arrow_c_array__()[1]); back.send(handle)")
worker.close()
assert interlane.stats().live == 1
capsules.give_back(answers.recv(), True)
nothing_is_lost()
""")


def test_many_consumers_at_once_lose_no_release(run):
    run("""
workers = [isolated() for _ in range(3)]
send, recv = interlane.create_channel(8)
ready, answers = interlane.create_channel()
count = 200
for worker in workers:
    worker.prepare_main(recv=recv.clone(), ready=ready.clone())
recv.close()
code = '''if True:
    for place, got in enumerate(recv):
        handle, _ = capsules.take_array(got.__arrow_c_array__()[1])
        child, _ = capsules.take_child(handle, place % 2)
        ready.send((handle, child, got))
        del got
    ready.close()
'''
threads = [threading.Thread(target=worker.exec, args=(code,)) for worker in workers]
for thread in threads:
    thread.start()
ready.close()

def give_back():
    for place, (handle, child, got) in enumerate(answers):
        for one in (handle, child)[:: 1 if place % 3 else -1]:
            capsules.give_back(one, bool(place % 2))

other = threading.Thread(target=give_back)
other.start()
for _ in range(count):
    send.send(table())
send.close()
for thread in (*threads, other):
    thread.join()
nothing_is_lost()
rows = capsules.log()
home = interpreters.get_current().id
assert [row[:2] for row in rows if row[0] == "array"] == [("array", home)] * (3 * count), len(rows)
for worker in workers:
    worker.close()
""")


GARBAGE = """
released = capsules.schema(schema("l")), capsules.array(items(1, None, numbers), Kept())
capsules.take_array(released[1])
class Answer:
    def __init__(self, answer): self.answer = answer
    def __arrow_c_array__(self, requested_schema=None):
        return self.answer() if callable(self.answer) else self.answer
class Streamed:
    def __init__(self, answer): self.answer = answer
    def __arrow_c_stream__(self, requested_schema=None): return self.answer
l, one = schema("l"), items(1, None, numbers)
def endless(depth):
    return schema("+s", endless(depth - 1)) if depth else l
def endless_items(depth):
    return items(1, None, children=[endless_items(depth - 1)]) if depth else items(1, None, numbers)
wrong = [
    (Answer(None), "must return two capsules"),
    (Answer((1, 2)), "no capsule 'arrow_schema'"),
    (Answer(lambda: (capsules.schema(l), capsules.named("arrow_arrays"))), "no capsule 'arrow_array'"),
    (Answer(lambda: (capsules.schema(l), capsules.schema(l))), "no capsule 'arrow_array'"),
    (Answer(lambda: (capsules.schema(l), released[1])), "used already"),
    (Array(schema(None), items(1, None, numbers)), "without a format"),
    (Array(l, items(-1, None, numbers)), "length -1"),
    (Array(l, items(1, None, numbers, offset=-1)), "offset -1"),
    (Array(l, items(2**62, None, numbers, offset=2**62)), "length 4611686018427387904"),
    (Array(l, items(1, None, numbers, nulls=-2)), "-2 nulls"),
    (Array(l, items(1)), "with 0 buffers"),
    (Array(l, items(1, None)), "with 1 buffers"),
    (Array(l, items(1, None, numbers, children=[one])), "1 children, where the schema has 0"),
    (Array(schema("+s", l), items(1, None)), "0 children, where the schema has 1"),
    (Array(schema("+s", l), items(1, None, children=[None])), "that was released"),
    (Array(schema("+s", l), items(1, None, children=[0])), "child 0 is NULL"),
    (Array(schema("+s", 0), items(1, None, children=[one])), "child 0 is NULL"),
    (Array(schema("i", dictionary=l), items(1, None, numbers)), "without its dictionary"),
    (Array(schema("i"), items(1, None, numbers, dictionary=one)), "with a dictionary"),
    (Array(schema("l", metadata=b"\\xff\\xff\\xff\\xff"), items(1, None, numbers)), "metadata of -1"),
    (Array(schema("l", metadata=b"\\1\\0\\0\\0\\xfe\\xff\\xff\\xff"), one), "metadata of -2"),
    (Array(endless(100), endless_items(100)), "more than 64 levels"),
    (Streamed(None), "no capsule 'arrow_array_stream'"),
    (Streamed(capsules.named("arrow_array_stream")), "used already"),
    (Stream(None, [], failure=22, message="bad"), "get_schema fails (Invalid argument (os error 22)): bad"),
    (Stream(None, [], failure=5), "get_schema fails (Input/output error (os error 5))"),
    (Stream(l, [items(1, None, numbers)] * 2, failure=5, message="the disk is gone"), "get_next fails"),
    (Stream(l, [items(1, None, numbers), items(-1, None, numbers)]), "length -1"),
]
"""


def test_garbage_is_refused_with_the_reason_and_what_was_taken_goes_back(run):
    run(
        GARBAGE
        + """
for item, what in wrong:
    capsules.log()
    before = sys.getrefcount(item.kept) if hasattr(item, "kept") else 0
    message = refused(exchange, {"a": item})
    assert message.startswith("item['a']: ") and what in message, (what, message)
    assert (sys.getrefcount(item.kept) if hasattr(item, "kept") else 0) == before, what
    nothing_is_lost()
refused(exchange, Stream(l, [], failure=12), error=MemoryError)
assert "the disk is gone" in refused(exchange, wrong[-2][0])
"""
    )


def test_a_producer_that_raises_is_heard(run):
    run("""
class Angry:
    def __arrow_c_array__(self, requested_schema=None):
        raise ZeroDivisionError("no")
try:
    exchange([Angry()])
except ZeroDivisionError as error:
    assert "item[0]" in error.__notes__[0] and "__arrow_c_array__" in error.__notes__[0]
else:
    raise AssertionError
nothing_is_lost()
""")


def test_what_a_consumer_requests_is_looked_at_and_not_followed(run):
    run("""
got = exchange(table())
stream = got.__arrow_c_stream__(capsules.schema(schema("i")))
got.__arrow_c_array__(requested_schema=None)
for method in (got.__arrow_c_array__, got.__arrow_c_stream__):
    refused(method, 1, error=TypeError)
    refused(method, capsules.array(items(1, None, numbers), Kept()), error=TypeError)
refused(lambda: interlane.ArrowArray(), error=TypeError)
refused(lambda: interlane.ArrowStream(), error=TypeError)
import pickle
refused(pickle.dumps, got, error=TypeError)
del got, stream, method
nothing_is_lost()
""")


def test_other_ways_to_say_how_an_object_is_shared_come_first_or_last_as_documented(run):
    run("""
class Shares(Array):
    def __share__(self): return (str, ("by __share__",))
assert exchange(Shares(None, None)) == "by __share__"
class Registered(Array):
    pass
interlane.register(Registered, lambda it: (str, ("by the registry",)))
assert exchange(Registered(None, None)) == "by the registry"
class Refusing(Array):
    __arrow_c_array__ = None
assert "can't be shared" in refused(exchange, Refusing(None, None))
class Both(Array):
    def __dlpack__(self): raise AssertionError
    def __arrow_c_stream__(self): raise AssertionError
sent = table()
assert type(exchange(Both(sent.schema, sent.array))) is interlane.ArrowArray
# A class of no known library is not pickled, since it can be shared.
assert type(exchange(sent, fallback="pickle")) is interlane.ArrowArray
first, second = exchange([sent, sent])
assert first is second
del first, second
nothing_is_lost()
""")


def test_workers_of_a_pool_get_columns_and_return_them(run):
    run("""
def total(columns):
    return sum(columns.children[0].buffers[1])
def same(columns):
    return columns
with interlane.InterpreterPoolExecutor(1) as pool:
    assert pool.submit(total, table()).result() == 6
    back = pool.submit(same, table()).result()
    assert capsules.address(back.children[0].buffers[1]) == capsules.address(numbers)
del back
nothing_is_lost()
""")


@pytest.mark.timeout(175)  # before faulthandler ends the run
@pytest.mark.skipif(
    not hasattr(sys, "gettotalrefcount"), reason="only a debug build of CPython counts references"
)
def test_no_operation_on_capsules_leaves_references_behind(run):
    run(
        """
def columns():
    got = exchange(table())
    again, part = exchange([got, got.children[1]])
    part.buffers, part.offset, part.dictionary, part.null_count, part.nbytes, repr(part), len(got)
    fields, columns = again.__arrow_c_array__()
    capsules.take_schema(fields), capsules.take_schema(got.__arrow_c_schema__())
    handle, _ = capsules.take_array(columns)
    child, _ = capsules.take_child(handle, 1)
    capsules.give_back(handle, False), capsules.give_back(child, True)
    again.__arrow_c_array__()  # which nobody takes
    _, chunks = capsules.take_stream(got.__arrow_c_stream__())
    for handle, _ in chunks:
        capsules.give_back(handle, True)

def streams():
    flat = schema("l")
    got = exchange(Stream(flat, [items(5, None, numbers), items(3, None, numbers)], numbers))
    [memoryview(chunk)[0] for chunk in got.chunks], repr(got), got.nbytes
    with interlane.share(got) as share:
        share.areas, exchange(share).close()
    is_one = interlane.is_shareable(Stream(flat, [], numbers))
    assert is_one

def refusals():
    refused(exchange, Stream(None, [], failure=22, message="bad"))
    refused(exchange, Array(schema(None), items(1, None, numbers), numbers))
    refused(exchange, Array(schema("l"), items(-1, None, numbers), numbers))
    refused(lambda: interlane.share(table(), writable=True), error=BufferError)

class Tensor:
    def __init__(self, **options): self.options, self.buffer = options, interlane.SharedBuffer((3, 4), "d")
    def __dlpack_device__(self): return self.options.get("device", (1, 0))
    def __dlpack__(self, **options): return self.buffer.__dlpack__(**options)

def tensors():
    got = exchange(Tensor())
    got[1, 2], exchange(got)
    for version in (None, (1, 0)):
        for foreign in (False, True):
            handle, *_ = capsules.take_tensor(Tensor().__dlpack__(max_version=version))
            capsules.delete_tensor(handle, version is not None, foreign)
    got.toreadonly().__dlpack__(max_version=(1, 0))
    refused(exchange, Tensor(device=(2, 0)))
    refused(exchange, Tensor(device="cpu"))

def measured(operation, times):
    for _ in range(times):
        operation()
    capsules.log()
    nothing_is_lost()
    gc.collect()
    return sys.gettotalrefcount()

def leak(operation):
    measured(operation, 20)
    # What one run more costs; the least of several, since caches fill up and other threads come and go.
    growths = []
    for _ in range(4):
        before = measured(operation, 20)
        growths.append((measured(operation, 60) - before) / 60)
    return min(growths)

leaks = {operation.__name__: leak(operation) for operation in (columns, streams, refusals, tensors)}
assert all(growth < 0.5 for growth in leaks.values()), leaks
""",
        timeout=160,
    )
