"""Arrow's structures beside what else can be shared: passed on, lent as a share, in a pool."""

import pytest

from tests.arrays.conftest import PRODUCER


@pytest.fixture
def run(run):
    return lambda code, *args, **options: run(PRODUCER + code, *args, **options)


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
