"""Several threads of one interpreter share, send, receive and drop the same things at once."""

import pytest

CROWD = """
count, crowd = int(sys.argv[1]), 4
send, recv = interlane.create_channel()
abroad, arrivals = interlane.create_channel(64)
other = interpreters.create()
borrower = start(other.exec, f'''if 1:
    import interlane, random
    arrivals, held = interlane.RecvChannel.from_id({arrivals.id}), []
    for item in arrivals:
        held.append(item)
        if len(held) > random.randrange(20):
            held.pop(random.randrange(len(held)))
    held.clear()
''')
while arrivals.statistics().open_receivers < 2:
    time.sleep(0.01)
arrivals.close()

# All threads use the same ones.
things = [bytearray(b"%d" % n * 5000) for n in range(4)]
table, items = {n: str(n) for n in range(50)}, list(range(50))
released, problems = [], []
made = [0] * crowd

def work(me):
    rng = random.Random(me)
    shares, views, proxies = [], [], []
    for _ in range(count):
        act, thing = rng.randrange(14), rng.choice(things)
        if act < 3:
            shares.append(interlane.share([thing, "y" * 5000], on_release=released.append))
            made[me] += 1
        elif act < 4:
            shares.append(interlane.share(thing))
        elif act < 6:
            send.send(thing)  # as a share of it, if there is one at the moment
            views.append(recv.recv())
        elif act < 7:
            abroad.send([thing, b"z" * 5000])
        elif act < 8 and shares:
            abroad.send(rng.choice(shares))
            rng.choice(shares).get()
        elif act < 9:
            proxies.append(interlane.proxy(thing))
            assert len(rng.choice(proxies)) > 0
        elif act < 10:
            # Others change them meanwhile: an error, or what they were at some moment.
            try:
                send.send(rng.choice((table, items)))
            except RuntimeError as error:
                assert "changed size" in str(error), error
            else:
                recv.recv()
        elif act < 11:
            table[rng.randrange(100)] = str(me)
            table.pop(rng.randrange(100), None)
            items.append(me)
            items.pop()
        elif act < 12:
            interlane.collect()
            interlane.stats()
            repr(interlane.shares())
        for kept in (shares, views, proxies):
            if len(kept) > rng.randrange(1, 15):
                kept.pop(rng.randrange(len(kept)))

def guarded(me):
    try:
        work(me)
    except BaseException as error:
        problems.append(error)
        raise

threads = [start(guarded, me) for me in range(crowd)]
for thread in threads:
    thread.join()
assert not problems
abroad.close()
borrower.join()
other.close()
del threads, thread
gc.collect()
while recv.statistics().buffered:
    recv.recv()
now = nothing_is_lost()
assert len(released) == sum(made), (len(released), made)
for thing in things:
    thing.append(1)  # nobody has a view of it any more
print(now.released, sum(made))
"""


def test_threads_of_one_interpreter_share_send_and_drop_the_same_things(run_child):
    run_child(CROWD, 2000, timeout=115)


@pytest.mark.stress
@pytest.mark.timeout(900)
def test_threads_of_one_interpreter_do_so_for_long(run_child, stress_is_short):
    run_child(CROWD, 5000 if stress_is_short else 50_000, timeout=600)


@pytest.mark.parametrize("kind", ["dict", "list", "set"])
def test_a_container_that_another_thread_changes_is_sent_as_it_was_or_refused(run_child, kind):
    run_child(
        """
        kind, done = sys.argv[1], threading.Event()
        thing = {"dict": dict.fromkeys(range(100)), "list": list(range(100)), "set": set(range(100))}[kind]

        def change():
            n = 100
            while not done.is_set():
                n += 1
                if kind == "dict":
                    thing[n] = [n]
                    del thing[n]
                elif kind == "list":
                    thing.append([n])
                    thing.pop()
                else:
                    thing.add((n,))
                    thing.discard((n,))

        threads = [start(change) for _ in range(3)]
        send, recv = interlane.create_channel()
        sent = 0
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                send.send(thing)
            except RuntimeError as error:
                assert "changed size" in str(error), error
            else:
                arrived = recv.recv()
                assert type(arrived) is type(thing) and len(arrived) >= 100
                assert set(range(100)) <= {x for x in arrived if type(x) is int}
        done.set()
        for thread in threads:
            thread.join()
        """,
        kind,
    )
