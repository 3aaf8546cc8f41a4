"""Memory of Arrow's structures goes back to its producer: once, where it came from, whoever had it last."""

import pytest

from tests.arrays.conftest import PRODUCER


@pytest.fixture
def run(run):
    return lambda code, *args, **options: run(PRODUCER + code, *args, **options)


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
