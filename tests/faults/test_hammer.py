"""Eight interpreters on one channel."""

import pytest

HAMMER = """
exec(MATERIAL)
seed, count = int(sys.argv[1]), int(sys.argv[2])
to_workers, jobs = interlane.create_channel(16)
answers_to, answers = interlane.create_channel(16)
WORKER = MATERIAL + f'''
seed, me = {seed}, int(me)
rng = random.Random(seed * 100 + me)
jobs, answers = interlane.RecvChannel.from_id({jobs.id}), interlane.SendChannel.from_id({answers_to.id})
with jobs, answers:
    held = []
    for n, sum_, received in jobs:
        # The same memory, made by the main interpreter, or made anew here from the same seed.
        fresh = thing(random.Random(seed + n))
        answers.send((n, checksum(received) == sum_ == checksum(fresh), checksum(fresh), received, fresh))
        held.append(received)
        if len(held) > rng.randrange(1, 20):
            held.pop(rng.randrange(len(held)))
'''
workers = [interpreters.create() for _ in range(8)]
threads = [start(worker.exec, f"me = {n}" + WORKER) for n, worker in enumerate(workers)]
while jobs.statistics().open_receivers < 9:
    time.sleep(0.01)
jobs.close()
answers_to.close()

def feed():
    with to_workers:
        for n in range(count):
            one = thing(random.Random(seed + n))
            to_workers.send((n, checksum(one), one))

feeding = start(feed)
seen = set()
for n, right, sum_, returned, fresh in answers:
    assert right, n
    assert checksum(returned) == checksum(fresh) == sum_, n
    seen.add(n)
del returned, fresh
for thread in (feeding, *threads):
    thread.join()
assert seen == set(range(count))
for worker in workers:
    worker.close()
nothing_is_lost()
"""


def test_eight_interpreters_hammer_one_channel_with_all_kinds_of_things(run_child):
    run_child(HAMMER, 20261123, 3000, timeout=115)


@pytest.mark.stress
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_eight_interpreters_hammer_for_long(run_child, stress_is_short, seed):
    if stress_is_short and seed:
        pytest.skip("short")
    run_child(HAMMER, seed, 2000 if stress_is_short else 20_000, timeout=600)


def test_every_one_of_many_small_items_arrives_once(run_child):
    out = run_child(
        """
        jobs_in, jobs = interlane.create_channel(64)
        answers_in, answers = interlane.create_channel()
        code = f'''if 1:
            import interlane
            with interlane.SendChannel.from_id({answers_in.id}) as answers:
                for n in interlane.RecvChannel.from_id({jobs.id}):
                    answers.send([n, n * n, str(n) * 3])
        '''
        interps = [interpreters.create() for _ in range(8)]
        threads = [start(interp.exec, code) for interp in interps]
        while jobs_in.statistics().open_receivers < 9:
            time.sleep(0.01)
        answers_in.close()
        sent = jobs_in.send_many(range(20_000))
        jobs_in.close()
        got = sorted(answers)
        for thread in threads:
            thread.join()
        for interp in interps:
            interp.close()
        print(sent, got == [[n, n * n, str(n) * 3] for n in range(20_000)])
        """,
        timeout=115,
    )
    assert out.split() == ["20000", "True"]
