"""Locks and their kin: across interpreters, and what `test.lock_tests` does not ask."""

import copy
import operator
import pickle
import sys
import threading

import interlane
import pytest

KINDS = [
    interlane.Lock,
    interlane.RLock,
    interlane.Semaphore,
    interlane.BoundedSemaphore,
    interlane.Event,
    interlane.Condition,
    lambda: interlane.Barrier(2),
    interlane.AtomicInt,
]


@pytest.mark.parametrize("make", KINDS)
def test_the_same_one_arrives_through_a_channel_a_container_and_a_share(make):
    one, other = make(), make()
    send, recv = interlane.create_channel()
    send.send(one)
    send.send([one, {"key": one}])
    with interlane.share((one, one)) as share:
        send.send(share)
        got = recv.recv(), *recv.recv()[:1], recv.recv().get()[0]
    for it in got:
        assert it == one
        assert (it != one) is False
        assert hash(it) == hash(one)
        assert it.id == one.id
        assert it != other
        assert type(it) is type(one)
    assert one != 5
    assert len({one, other, *got}) == 2


@pytest.mark.parametrize("dump", [pickle.dumps, lambda it: pickle.dumps(it, 0), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("make", KINDS)
def test_none_is_pickled_and_the_message_says_what_to_do(make, dump):
    one = make()
    kind = type(one).__name__
    with pytest.raises(TypeError, match=rf"cannot pickle '{kind}' object: .*channel, prepare_main or call"):
        dump(one)


def test_the_same_one_arrives_in_other_interpreters(run_child):
    out = run_child("""
        made = {name: make() for name, make in KINDS.items()}
        send, recv = interlane.create_channel()
        interp = elsewhere("", send=send, **made)
        interp.exec("send.send([globals()[name] for name in " + repr(list(KINDS)) + "])")
        got = recv.recv()
        interp.close()
        assert got == list(made.values()) and [it.id for it in got] == [it.id for it in made.values()]
        made["Lock"].acquire(), made["AtomicInt"].store(7)
        assert got[0].locked() and got[-1].load() == 7
        print(len(got))
    """)
    assert out.strip() == "8"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="the standard library's queue is there from 3.14 on")
def test_the_same_one_arrives_through_the_standard_librarys_queue(run_child):
    out = run_child("""
        from concurrent import interpreters as standard
        queue = standard.create_queue()
        for name, make in KINDS.items():
            one = make()
            queue.put(one)
            assert queue.get() == one
            interp = standard.create()
            assert interp.call(lambda it: it, one) == one if name == "Lock" else True
            interp.close()
        print("done")
    """)
    assert out.strip() == "done"


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "Condition"])
def test_interpreters_exclude_each_other(run_child, kind):
    out = run_child(
        """
        kind, seed = sys.argv[1], int(sys.argv[2])
        lock, number = KINDS[kind](), interlane.AtomicInt()
        CODE = '''
        def work(seed):
            rng = random.Random(seed)
            for _ in range(400):
                if rng.random() < 0.3:
                    while not lock.acquire(timeout=rng.random() * 0.01):
                        pass
                elif rng.random() < 0.3:
                    while not lock.acquire(False):
                        time.sleep(0)
                else:
                    lock.acquire()
                value = number.load()
                if rng.random() < 0.02:
                    time.sleep(0.001)
                number.store(value + 1)     # neither is lost, if nobody else is between the two
                lock.release()
        '''
        interps = [elsewhere(CODE, lock=lock, number=number) for _ in range(3)]
        exec(CODE)
        threads = [start(interp.exec, f"work({seed + place})") for place, interp in enumerate(interps)]
        threads += [start(work, seed + 10 + place) for place in range(2)]
        for thread in threads:
            thread.join()
        print(number.load(), waiting(lock))
        for interp in interps:
            interp.close()
        """,
        kind,
        20261124,
        timeout=100,
    )
    assert out.split() == ["2000", "0"]


def test_a_semaphore_lets_as_many_in_as_it_says(run_child):
    out = run_child("""
        rooms, inside, most = interlane.BoundedSemaphore(3), interlane.AtomicInt(), interlane.AtomicInt()
        CODE = '''
        def work():
            for _ in range(100):
                with rooms:
                    now = inside.add(1)
                    while (before := most.load()) < now and not most.compare_exchange(before, now):
                        pass
                    time.sleep(0.0002)
                    while most.load() < 3:  # nobody leaves before the first three have met
                        time.sleep(0.0002)
                    inside.add(-1)
        '''
        interps = [elsewhere(CODE, rooms=rooms, inside=inside, most=most) for _ in range(6)]
        threads = [start(interp.exec, "work()") for interp in interps]
        for thread in threads:
            thread.join()
        print(most.load(), inside.load(), rooms.value)
        for interp in interps:
            interp.close()
    """)
    assert out.split() == ["3", "0", "3"]


def test_a_condition_hands_items_from_interpreter_to_interpreter(run_child):
    out = run_child("""
        condition, items = interlane.Condition(), interlane.AtomicInt()
        taken = interlane.AtomicInt()
        interps = [elsewhere('''
        def take():
            for _ in range(50):
                with condition:
                    condition.wait_for(lambda: items.load() > 0)
                    items.add(-1)
                taken.add()
        ''', condition=condition, items=items, taken=taken) for _ in range(3)]
        threads = [start(interp.exec, "take()") for interp in interps]
        for _ in range(50):
            with condition:
                items.add(3)
                condition.notify(3)
        for thread in threads:
            thread.join()
        print(taken.load(), items.load(), waiting(condition))
        for interp in interps:
            interp.close()
    """)
    assert out.split() == ["150", "0", "0"]


def test_a_barrier_gathers_interpreters_and_acts_in_one_of_them(run_child):
    out = run_child("""
        acted = []
        passed = interlane.AtomicInt()
        barrier = interlane.Barrier(4, lambda: acted.append(passed.load()), timeout=50)
        interps = [elsewhere('''
        def work():
            for _ in range(10):
                barrier.wait()
                passed.add()
                barrier.wait()
        ''', barrier=barrier, passed=passed) for _ in range(4)]
        threads = [start(interp.exec, "work()") for interp in interps]
        for thread in threads:
            thread.join()
        print(acted == [4 * (n // 2 + n % 2) for n in range(20)], barrier.n_waiting, barrier.broken)
        for interp in interps:
            interp.close()
    """)
    assert out.split() == ["True", "0", "False"]


def test_an_action_that_fails_breaks_the_barrier():
    barrier = interlane.Barrier(1, action=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        barrier.wait()
    assert barrier.broken
    with pytest.raises(interlane.BrokenBarrierError):
        barrier.wait()
    barrier.reset()
    assert not barrier.broken
    assert interlane.BrokenBarrierError is threading.BrokenBarrierError
    with pytest.raises(TypeError, match="action must be callable"):
        interlane.Barrier(1, 5)


def test_a_wait_that_is_over_breaks_the_barrier_for_all():
    barrier = interlane.Barrier(3)
    broken = []

    def wait(timeout):
        try:
            barrier.wait(timeout)
        except interlane.BrokenBarrierError:
            broken.append(timeout)

    threads = [threading.Thread(target=wait, args=(timeout,)) for timeout in (None, 0.05)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(broken, key=str) == [0.05, None]
    assert barrier.broken
    wait(60)  # who comes too late
    assert broken[2:] == [60]


def test_who_waits_is_not_overtaken_for_ever(run_child):
    out = run_child("""
        lock, stop = interlane.Lock(), interlane.Event()
        interp = elsewhere('''
        def hog():
            while not stop.is_set():
                with lock:
                    pass
        ''', lock=lock, stop=stop)
        hogs = [start(interp.exec, "hog()")]
        for _ in range(50):
            assert lock.acquire(timeout=50)
            time.sleep(0.0005)
            lock.release()
        stop.set()
        hogs[0].join()
        interp.close()
        print("done")
    """)
    assert out.strip() == "done"


def test_an_rlock_is_a_threads_in_one_interpreter(run_child):
    out = run_child("""
        lock = interlane.RLock()
        answers, got = interlane.create_channel()
        interp = elsewhere("", lock=lock, answers=answers)
        with lock, lock:
            assert lock.acquire(False)
            lock.release()
            interp.exec('''if 1:
                answers.send(lock.acquire(False))
                try:
                    lock.release()
                except RuntimeError as error:
                    answers.send(str(error))
            ''')
        print(got.recv(), got.recv(), lock.locked())
        interp.close()
    """)
    assert out.strip() == "False cannot release un-acquired lock False"


def test_a_lock_may_be_released_in_another_interpreter(run_child):
    out = run_child("""
        lock = interlane.Lock()
        lock.acquire()
        interp = elsewhere("lock.release()", lock=lock)
        print(lock.acquire(False), lock.locked())
        interp.close()
    """)
    assert out.strip() == "True True"


def test_releasing_what_nobody_holds():
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        interlane.Lock().release()
    with pytest.raises(RuntimeError, match="un-acquired"):
        interlane.RLock().release()
    semaphore = interlane.BoundedSemaphore(2)
    with pytest.raises(ValueError, match="too many times"):
        semaphore.release()
    semaphore.acquire()
    with pytest.raises(ValueError, match="too many times"):
        semaphore.release(2)
    with pytest.raises(ValueError, match="one or more"):
        semaphore.release(0)
    assert semaphore.value == 1


def test_timeouts_that_are_none():
    for value in (None, -1, -1.0):
        for lock in (interlane.Lock(), interlane.RLock()):
            assert lock.acquire(timeout=value)
    assert interlane.Semaphore().acquire(True, None)
    assert not interlane.Semaphore(0).acquire(timeout=-1)
    assert not interlane.Event().wait(-5)
    nan = float("nan")
    condition = interlane.Condition()
    with condition, pytest.raises(ValueError, match="nan"):
        condition.wait(nan)
    with condition, pytest.raises(ValueError, match="nan"):
        condition.wait_for(lambda: False, nan)
    with pytest.raises(ValueError, match="nan"):
        interlane.Lock().acquire(timeout=nan)
    with pytest.raises(ValueError, match="non-blocking"):
        interlane.Lock().acquire(False, timeout=1)
    with pytest.raises(ValueError, match="non-negative"):
        interlane.Lock().acquire(timeout=-2)
    with pytest.raises(OverflowError):
        interlane.Event().wait(threading.TIMEOUT_MAX + 1)
    with pytest.raises(TypeError):
        interlane.Lock().acquire(timeout="soon")


def test_a_condition_is_over_a_lock_of_ours():
    lock = interlane.Lock()
    condition = interlane.Condition(lock)
    with condition:
        assert lock.locked()
        assert condition.locked()
        assert not condition.acquire(False)
        assert not condition.wait(0.001)
        condition.notify_all()
    assert not lock.locked()
    assert condition.lock == lock
    with pytest.raises(RuntimeError, match="un-acquired"):
        condition.notify_all()
    with pytest.raises(TypeError, match=r"interlane\.Lock or interlane\.RLock"):
        interlane.Condition(threading.Lock())
    condition = interlane.Condition()
    with condition, condition:
        assert not condition.wait(0.001)
        assert condition.lock._recursion_count() == 2


def test_an_atomic_int_counts_and_refuses_what_does_not_fit():
    number = interlane.AtomicInt(5)
    assert (number.load(), number.add(), number.add(-10), number.exchange(7)) == (5, 6, -4, -4)
    assert number.compare_exchange(7, 8)
    assert not number.compare_exchange(7, 9)
    assert (int(number), operator.index(number), repr(number)) == (8, 8, "AtomicInt(8)")
    assert number.wait(7)
    assert not number.wait(8, 0.001)
    number.store(2**63 - 1)
    with pytest.raises(OverflowError):
        number.add()
    assert number.load() == 2**63 - 1
    number.store(-(2**63))
    with pytest.raises(OverflowError):
        number.add(-1)
    for bad in (2**63, -(2**63) - 1):
        with pytest.raises(OverflowError):
            number.store(bad)
    with pytest.raises(TypeError):
        number.store("5")
    assert interlane.AtomicInt(5) != interlane.AtomicInt(5)


def test_interpreters_wait_for_a_number_and_lose_no_step(run_child):
    out = run_child("""
        number = interlane.AtomicInt()
        STEPS = '''
        def step(mine):
            for turn in range(mine, 400, 2):
                while number.load() != turn:
                    number.wait(turn - 1)
                number.store(turn + 1)
        '''
        exec(STEPS)
        interp = elsewhere(STEPS, number=number)
        other = start(interp.exec, "step(1)")
        step(0)
        other.join()
        print(number.load())
        interp.close()
    """)
    assert out.strip() == "400"


def test_repr_says_who_holds_a_lock():
    lock = interlane.RLock()
    assert repr(lock).startswith(f"<unlocked interlane.RLock object {lock.id} owner=0 count=0 at 0x")
    with lock:
        assert f"held in interpreter 0, thread {threading.get_ident()} owner=" in repr(lock)
    assert ": set>" not in repr(interlane.Event())
    assert repr(interlane.Semaphore(3)).endswith(": value=3>")
