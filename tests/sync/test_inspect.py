"""`interlane.inspect()`."""

import dataclasses
import threading

import interlane
import pytest


def test_it_shows_who_holds_a_lock_and_who_waits():
    lock, event = interlane.Lock(), interlane.Event()
    send, recv = interlane.create_channel(3)
    send.send(1)
    with lock:
        thread = threading.Thread(target=lambda: (lock.acquire(timeout=60), lock.release(), event.set()))
        thread.start()
        waits, owner = (), None
        # What earlier tests have dropped may still be in the inbox.
        while not waits or owner.inbox:
            now = interlane.inspect()
            found = next(it for it in now.locks if it.id == lock.id)
            waits = found.waits
            owner = next(it for it in now.interpreters if it.id == 0)
        assert found.kind == "Lock"
        assert found.state == "locked"
        assert found.holder == (0, threading.get_ident())
        assert found.waiting == 1
        assert (waits[0].interpreter, waits[0].thread) == (0, thread.ident)
        assert waits[0].timed
        assert waits[0].seconds < 60
    thread.join()
    channel = next(it for it in now.channels if it.id == send.id)
    assert (channel.capacity, channel.buffered, channel.open_senders, channel.open_receivers) == (3, 1, 1, 1)
    assert (channel.sent, channel.received) == (1, 0)
    assert (owner.inbox, owner.oldest) == (0, None)
    assert now.cycles == ()
    assert f"Lock {lock.id}: locked, held by interpreter 0" in str(now)
    with pytest.raises(dataclasses.FrozenInstanceError):
        now.locks = ()
    recv.close()


def test_it_shows_who_waits_in_a_channel(run_child):
    out = run_child("""
        send, recv = interlane.create_channel()
        full, _kept = interlane.create_channel(0)
        interp = elsewhere("", recv=recv)
        threads = [start(interp.exec, "recv.recv()"), start(full.send, 1)]
        now = inspected(lambda now: len(now.waits) == 2)
        kinds = {wait.kind: (wait.id, wait.interpreter, wait.timed) for wait in now.waits}
        assert kinds == {"receive": (recv.id, interp.id, False), "send": (full.id, 0, False)}, kinds
        assert [len(channel.waits) for channel in now.channels] == [1, 1]
        send.send(1), _kept.recv()
        for thread in threads:
            thread.join()
        interp.close()
        print("done")
    """)
    assert out.strip() == "done"


def test_it_shows_what_the_tasks_of_event_loops_wait_for(run_child):
    out = run_child("""
        lock, event, done = interlane.Lock(), interlane.Event(), interlane.Event()
        send, recv = interlane.create_channel()
        full, kept = interlane.create_channel(0)
        lock.acquire()
        other = elsewhere('''
        import asyncio
        async def main():
            waits = {
                "receiver": recv.arecv(), "sender": full.asend(1),
                "chooser": interlane.aselect(recv, (full, 2)),
                "locker": lock.acquire_async(), "watcher": event.wait_async(),
            }
            tasks = [asyncio.create_task(wait, name=name) for name, wait in waits.items()]
            await done.wait_async()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        ''', lock=lock, event=event, done=done, recv=recv, full=full)
        thread = start(other.exec, "asyncio.run(main())")
        now = inspected(lambda now: len(now.waits) == 6)
        found = {it.task: (it.kind, it.id) for it in now.waits}
        (main,) = found.keys() - {"receiver", "sender", "chooser", "locker", "watcher"}
        assert found == {
            "receiver": ("receive", recv.id), "sender": ("send", full.id), "chooser": ("other", None),
            "locker": ("lock", lock.id), "watcher": ("lock", event.id), main: ("lock", done.id),
        }, found
        places = {(it.interpreter, it.thread, it.timed) for it in now.waits}
        assert places == {(other.id, thread.ident, False)}
        assert [it.waits[0].task for it in now.locks if it.waits] == ["locker", "watcher", main], now.locks
        assert [it.waits[0].task for it in now.channels] == ["receiver", "sender"], now.channels
        assert f"interpreter {other.id}, thread {thread.ident}, task 'locker'" in str(now)
        # A thread that has a lock for one of its tasks is no deadlock: that task may release it.
        assert not now.cycles
        event.set()
        inspected(lambda now: len(now.waits) == 5)
        done.set()
        thread.join()
        assert not interlane.inspect().waits
        other.close()
        print("done")
    """)
    assert out.strip() == "done"


def test_it_sees_a_deadlock_of_tasks(run_child):
    out = run_child("""
        import asyncio
        first, second = interlane.RLock(), interlane.RLock()
        async def both(one, two, barrier):
            async with one:
                await barrier.wait()
                async with two:
                    pass
        async def main():
            barrier = asyncio.Barrier(2)
            tasks = [
                asyncio.create_task(both(first, second, barrier), name="one"),
                asyncio.create_task(both(second, first, barrier), name="other"),
            ]
            while not (now := interlane.inspect()).cycles:
                await asyncio.sleep(0.01)
            (cycle,) = now.cycles
            assert {wait.task for wait in cycle.waits} == {"one", "other"}, cycle
            assert "task 'one' waits for lock" in str(now)
            assert "held by interpreter 0, task " in str(now)
            tasks[0].cancel()
            await asyncio.wait(tasks)
            assert tasks[0].cancelled() and tasks[1].exception() is None
            assert not interlane.inspect().waits
        asyncio.run(main())
        print("done")
    """)
    assert out.strip() == "done"


def test_it_sees_a_deadlock_across_interpreters(run_child):
    out = run_child("""
        first, second, go = interlane.Lock(), interlane.RLock(), interlane.Barrier(2)
        other = elsewhere('''
        def work():
            with second:
                go.wait()
                assert first.acquire(timeout=50)
        ''', first=first, second=second, go=go)
        def work():
            with first:
                go.wait()
                with second:
                    pass
        threads = [start(other.exec, "work()"), start(work)]
        now = inspected(lambda now: now.cycles)
        (cycle,) = now.cycles
        assert {wait.id for wait in cycle.waits} == {first.id, second.id}
        assert {wait.interpreter for wait in cycle.waits} == {0, other.id}
        assert "DEADLOCK" in str(now)
        first.release()  # a lock is anybody's to release: the other has both then, and this one after it
        for thread in threads:
            thread.join()
        assert not interlane.inspect().cycles
        other.close()
        print("done")
    """)
    assert out.strip() == "done"


def test_it_shows_how_long_a_release_has_waited_in_an_inbox(run_child):
    out = run_child("""
        import ctypes, os, sys
        libc = ctypes.PyDLL(None)  # its calls keep the GIL
        held, hold = os.pipe()
        seen, see = os.pipe()
        to, there = interlane.create_channel()
        back, here = interlane.create_channel()
        other = elsewhere('''
        import os
        def look():
            interlane.inspect()  # imports what it needs
            view = there.recv()
            back.send("received")
            os.read(held, 1)
            del view
            time.sleep(0.2)
            owner = next(it for it in interlane.inspect().interpreters if it.id == 0)
            os.write(see, b"!")
            back.send((owner.inbox, owner.oldest))
        ''', there=there, back=back, held=held, see=see)
        thread = start(other.exec, "look()")
        to.send(bytearray(100_000))
        assert here.recv() == "received"
        # Waits with the GIL, so that nobody gets in to release what comes back.
        sys.setswitchinterval(100)
        libc.write(hold, b"!", 1)
        libc.read(seen, ctypes.create_string_buffer(1), 1)
        inbox, oldest = here.recv()
        thread.join()
        other.close()
        print(inbox, 0.1 < oldest < 50)
    """)
    assert out.strip() == "1 True"
