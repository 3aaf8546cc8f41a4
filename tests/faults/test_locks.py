"""Locks whose holders die, that are waited for when a signal comes or the process ends, and forks."""

import pytest

START = """
from interlane import interpreters
KINDS = {"Lock": interlane.Lock, "RLock": interlane.RLock}

def waiting(primitive):
    return next(it.waiting for it in interlane.inspect().locks if it.id == primitive.id)

def hold_and_end(lock):
    '''An interpreter that takes the lock, and is closed with it.'''
    interp = interpreters.create()
    interp.prepare_main(lock=lock)
    interp.exec("import interlane; lock.acquire()")
    return interp
"""


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_the_end_of_the_holders_interpreter_reaches_all_who_wait(run_child, kind):
    out = run_child(
        START
        + """
lock = KINDS[sys.argv[1]]()
holder = hold_and_end(lock)
other = interpreters.create()
send, recv = interlane.create_channel()
other.prepare_main(lock=lock, send=send)
WAIT = '''if 1:
    import interlane
    try:
        lock.acquire()
    except interlane.OwnerGoneError as error:
        send.send(str(error))
'''
threads = [start(exec, WAIT, {"lock": lock, "send": send}), start(other.exec, WAIT)]
until(lambda: waiting(lock) == 2)
holder.close()
for thread in threads:
    thread.join()
assert recv.recv() == recv.recv()
for attempt in (lock.acquire, lambda: lock.acquire(False), lambda: lock.acquire(timeout=1), lock.release):
    try:
        attempt()
    except interlane.OwnerGoneError as error:
        assert "is lost" in str(error)
    else:
        raise AssertionError("no exception")
assert lock.locked() and "<lost " in repr(lock)
assert lock.recover() and not lock.recover() and not lock.locked()
with lock:
    pass
other.close()
print("done")
""",
        kind,
    )
    assert out.strip() == "done"


def test_an_interpreter_that_holds_nothing_takes_nothing_along(run_child):
    out = run_child(
        START
        + """
lock, rlock = interlane.Lock(), interlane.RLock()
interp = interpreters.create()
interp.prepare_main(lock=lock, rlock=rlock)
interp.exec('''if 1:
    import interlane
    with lock, rlock:
        pass
''')
with lock, rlock:
    interp.close()
print(lock.acquire(False), rlock.acquire(False))
"""
    )
    assert out.strip() == "True True"


def test_a_thread_that_ends_with_an_rlock_loses_it(run_child):
    out = run_child(
        START
        + """
lock, rlock, held, go = interlane.Lock(), interlane.RLock(), interlane.Event(), interlane.Event()
def hold():
    lock.acquire(), rlock.acquire(), rlock.acquire()
    held.set()
    go.wait()
holder = start(hold)
held.wait()
def wait():
    try:
        rlock.acquire()
    except interlane.OwnerGoneError:
        print("gone")
waiter = start(wait)
until(lambda: waiting(rlock) == 1)
go.set()
holder.join()
waiter.join()
print(rlock.recover(), rlock.acquire(False))
# Anybody may release a Lock, as threading's: it stays as it is.
print(lock.acquire(False))
lock.release()
"""
    )
    assert out.split() == ["gone", "True", "True", "False"]


def test_a_second_threads_wait_is_not_disturbed_by_ctrl_c(run_child):
    out = run_child(
        START
        + """
import signal
event, lock = interlane.Event(), interlane.Lock()
other = start(lambda: print(event.wait(90)))
until(lambda: waiting(event) == 1)
lock.acquire()
start(lambda: (until(lambda: waiting(lock) == 1), os.kill(os.getpid(), signal.SIGINT)))
try:
    lock.acquire()
except KeyboardInterrupt:
    print(waiting(event))
event.set()
other.join()
"""
    )
    assert out.split() == ["1", "True"]


def test_the_process_ends_when_all_that_is_left_waits_for_locks(run_child):
    out = run_child(
        START
        + """
lock, rlock = interlane.Lock(), interlane.RLock()
lock.acquire(), rlock.acquire()
condition = interlane.Condition()
def wait(name, call):
    try:
        if name == "condition":
            with condition:
                condition.wait()
        else:
            call()
    except interlane.OwnerGoneError:
        os.write(1, (name + chr(10)).encode())
for name, call in {
    "lock": lock.acquire, "rlock": rlock.acquire, "semaphore": interlane.Semaphore(0).acquire,
    "event": interlane.Event().wait, "barrier": interlane.Barrier(3).wait,
    "number": lambda: interlane.AtomicInt().wait(0), "condition": None,
}.items():
    start(wait, name, call)
    start(wait, name, call, daemon=True)
sys.exit(3)
""",
        expect=3,
    )
    assert set(out.split()) == {"lock", "rlock", "semaphore", "event", "barrier", "number", "condition"}


def test_the_process_ends_when_threads_in_other_interpreters_wait_for_locks(run_child):
    run_child(
        START
        + """
lock = interlane.Lock()
lock.acquire()
interp = interpreters.create()
interp.prepare_main(lock=lock)
interp.exec("import interlane")
start(interp.exec, '''if 1:
    try:
        lock.acquire()
    except interlane.OwnerGoneError:
        pass
''')
until(lambda: waiting(lock) == 1)
"""
    )


def test_locks_go_when_nobody_has_them_any_more(run_child):
    out = run_child(
        START
        + """
def count():
    return len(interlane.inspect().locks)
before = count()
kinds = [interlane.Lock, interlane.RLock, interlane.Semaphore, interlane.Event, interlane.Condition,
         lambda: interlane.Barrier(2, lambda: None), interlane.AtomicInt]
send, recv = interlane.create_channel()
for make in kinds:
    for _ in range(50):
        send.send([make(), make()])
assert count() > before
while len(recv):
    recv.recv()
nothing_is_lost()
assert count() == before, (before, interlane.inspect().locks)
def growth():
    start_size = rss()
    for _ in range(20000):
        for make in kinds[:5]:
            make()
    return rss() - start_size
# What stays, stays every time.
print(any(growth() < 8 << 20 for _ in range(3)))
"""
    )
    assert out.strip() == "True"


@pytest.mark.filterwarnings("ignore")
def test_a_child_of_a_fork_uses_locks_that_nobody_held(run_child):
    out = run_child(
        START
        + """
import warnings
warnings.simplefilter("ignore")
lock, semaphore, condition = interlane.Lock(), interlane.Semaphore(2), interlane.Condition()
busy, stop = interlane.Lock(), interlane.Event()
def work():
    while not stop.is_set():
        with busy:
            pass
threads = [start(work) for _ in range(2)]
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        with lock, semaphore, condition:
            condition.notify_all()
            condition.wait(0.001)
        fresh = interlane.Lock()
        start(lambda: fresh.acquire()).join()
        os._exit(0 if not fresh.acquire(timeout=0.001) else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print("done")
""",
    )
    assert out.strip() == "done"


def test_closing_interpreters_amid_contention_hangs_and_loses_nothing(run_child):
    out = run_child(
        START
        + """
rng = random.Random(20261124)
lock, number = interlane.Lock(), interlane.AtomicInt()
lost = 0
for round in range(12):
    interps = [interpreters.create() for _ in range(3)]
    keeps = rng.randrange(4)
    for place, interp in enumerate(interps):
        interp.prepare_main(lock=lock, number=number, keeps=place == keeps)
    CODE = '''if 1:
        import interlane
        try:
            for _ in range(50):
                with lock:
                    number.store(number.load() + 1)
            if keeps:
                lock.acquire()
        except interlane.OwnerGoneError:
            pass
    '''
    threads = [start(interp.exec, CODE) for interp in interps]
    def close(thread, interp):
        thread.join()
        interp.close()
    closers = [start(close, *pair) for pair in zip(threads, interps)]
    if keeps < 3:
        closers[keeps].join()
    for closer in closers:
        closer.join()
    assert lock.recover() == (keeps < 3)
    lost += keeps < 3
    assert lock.acquire(timeout=60)
    lock.release()
print(lost > 0, waiting(lock))
""",
        timeout=110,
    )
    assert out.split() == ["True", "0"]


def test_closing_interpreters_whose_loops_wait_hangs_and_loses_nothing(run_child):
    out = run_child(
        START
        + """
rng = random.Random(20261128)
lock, rlock, semaphore = interlane.Lock(), interlane.RLock(), interlane.BoundedSemaphore(2)
kinds = {"lock": lock, "rlock": rlock, "semaphore": semaphore}
CODE = '''if 1:
    import asyncio, interlane, random, sys
    rng = random.Random(seed)
    async def work(it):
        while True:
            try:
                async with it:
                    await asyncio.sleep(rng.random() * 0.002)
            except interlane.OwnerGoneError:
                await asyncio.sleep(0.001)
    async def main():
        tasks = [asyncio.ensure_future(work(it)) for it in (lock, rlock, semaphore) for _ in range(3)]
        await asyncio.sleep(rng.random() * 0.03)
        return (tasks,)
    loop = asyncio.new_event_loop()
    sys.kept = loop, loop.run_until_complete(main())    # its tasks are where they are, for good
'''
lost = rounds = 0
while rounds < 5 or not lost:
    rounds += 1
    def work(seed):
        interp = interpreters.create()
        interp.prepare_main(seed=seed, **kinds)
        interp.exec(CODE)
        interp.close()
    threads = [start(work, rng.random()) for _ in range(3)]
    while any(thread.is_alive() for thread in threads):
        for it in kinds.values():
            try:
                if it.acquire(timeout=0.001):
                    it.release()
            except interlane.OwnerGoneError:
                lost += it.recover()
    for thread in threads:
        thread.join()
    for it in (lock, rlock):
        lost += it.recover()
        assert it.acquire(timeout=60)
        it.release()
        assert waiting(it) == 0
    assert waiting(semaphore) == 0
    # Permits that an interpreter had when it ended are gone.
    while semaphore.value < 2:
        semaphore.release()
print(lost > 0)
""",
        timeout=110,
    )
    assert out.strip() == "True"
