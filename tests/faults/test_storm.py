"""Interpreters that make, share, pass on and drop things at random, and are ended and replaced meanwhile."""

import pytest

STORM = """
seed, steps, deaths = map(int, sys.argv[1:])
PEERS = 5
posts = [interlane.create_channel() for _ in range(PEERS)]
made, told, faults = (interlane.AtomicInt() for _ in range(3))

# One interpreter. `post` brings what others send it: (thing, checksum, hops).
PEER = MATERIAL + f'''
rng = random.Random({seed} * 1000 + number)
post = interlane.RecvChannel.from_id(posts[me])
peers = [interlane.SendChannel.from_id(id) for id in peers]
released, held = set(), []

def say(which):  # on_release, which is called once
    if which in released:
        faults.add()
    released.add(which)
    told.add()

def intact(thing, sum_):
    value = thing.get() if isinstance(thing, interlane.Share) else thing
    return checksum(value) == sum_

def step(n):
    kind = rng.randrange(10)
    if kind < 3:
        one = thing(rng)
        sum_ = checksum(one)
        if rng.random() < 0.5:
            made.add()
            one = interlane.share(one, on_release=lambda _, n=n: say(n))
        if rng.random() < 0.3:
            held.append((one, sum_))
        rng.choice(peers).send((one, sum_, 0))
    elif kind < 6:
        for one, sum_, hops in post.recv_many(4, 0.01):
            if not intact(one, sum_):
                faults.add()
            held.append((one, sum_))
            if hops < 5 and rng.random() < 0.5:  # on to a third one
                rng.choice(peers).send((one, sum_, hops + 1))
    elif kind < 9 and held:
        one, sum_ = held.pop(rng.randrange(len(held)))
        if not intact(one, sum_):
            faults.add()
    else:
        interlane.collect()

for n in range({steps}):
    try:
        step(n)
    except TimeoutError:
        pass
    if rng.random() < leave:
        break
if not stay:
    held.clear()
'''

number = 0
def run(me, leave, stay):
    # Ends with what it holds and others hold of its own, or without.
    global number
    number += 1
    peer = interpreters.create()
    peer.prepare_main(
        me=me, number=number, leave=leave, stay=stay, made=made, told=told, faults=faults,
        posts=tuple(r.id for _, r in posts), peers=tuple(s.id for s, _ in posts),
    )
    peer.exec(PEER)
    peer.close()

def live(me):
    for _ in range(deaths):
        run(me, 10 / steps, True)
    run(me, 0, False)

threads = [start(live, me) for me in range(PEERS)]
for thread in threads:
    thread.join()
for send, recv in posts:
    while recv.recv_nowait(None) is not None:
        pass
end = time.monotonic() + 60
while (now := interlane.stats()).live or now.pending:
    assert time.monotonic() < end, (now, interlane.shares()[:10])
    gc.collect()
    interlane.collect()
    time.sleep(0.005)
now = nothing_is_lost()
assert faults.load() == 0
assert made.load() > PEERS
# Nobody is told of what outlived its owner.
assert made.load() - now.orphaned <= told.load() <= made.load(), (made, told, now)
print(made.load(), told.load(), now)
"""


def test_what_is_shared_at_random_arrives_whole_and_is_released(run_child):
    run_child(STORM, 20261128, 400, 3, timeout=115)


@pytest.mark.stress
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10))
def test_a_long_storm(run_child, stress_is_short, seed):
    if stress_is_short and seed:
        pytest.skip("short")
    run_child(STORM, seed, 1000 if stress_is_short else 10_000, 10, timeout=800)
