"""What is awaited and cancelled at each of its steps. Run by test_cancelling.py in any interpreter and loop.

`Victim` drives a coroutine and cancels it at one step: right after it has suspended, or, which is later, when
it is about to go on because what it awaited has come. `sweep` does a scenario with each step and each moment
at which the others act, until there is no such step any more.
"""

import asyncio
from itertools import count
from types import coroutine

import interlane

CANCELLED = "cancelled"


class Victim:
    """Makes tasks that are cancelled at a step. `struck` tells whether one got there."""

    def __init__(self, step, late):
        self.step = step
        self.late = late
        self.struck = False

    def __call__(self, awaited):
        return asyncio.create_task(self._run(awaited))

    async def _run(self, awaited):
        return await self._drive(awaited)

    @coroutine
    def _drive(self, awaited):
        error = None
        for step in count():
            try:
                yielded = awaited.send(None) if error is None else awaited.throw(error)
            except StopIteration as stop:
                return stop.value
            here = step == self.step and not self.struck
            if here and not self.late:
                self.struck = True
                asyncio.current_task().cancel()
            error = None
            try:
                yield yielded
            except BaseException as thrown:
                error = thrown
            if here and self.late and error is None:
                self.struck = True
                error = asyncio.CancelledError()


async def outcome(task):
    await asyncio.wait([task])
    return CANCELLED if task.cancelled() else task.result()


async def turns(number):
    for _ in range(number):
        await asyncio.sleep(0)


def waiting(primitive):
    return next(it.waiting for it in interlane.inspect().locks if it.id == primitive.id)


# --- channels


async def receive(victim, delay, begin):
    send, recv = interlane.create_channel()
    task = victim(begin(recv))
    await turns(delay)
    send.send_nowait("item")
    got = await outcome(task)
    left = recv.recv_nowait(None)
    assert (got, left) in [("item", None), (CANCELLED, "item")], (got, left)
    assert recv.statistics().waiting_receivers == 0
    return got


async def select_one(recv):
    _never, other = interlane.create_channel()
    return (await interlane.aselect(other, recv)).item


async def iterate(recv):
    async for item in recv:
        return item
    raise AssertionError


async def send_one(victim, delay, capacity):
    send, recv = interlane.create_channel(capacity)
    send.send_many(range(capacity))

    async def begin():
        try:
            await send.asend("item")
        except asyncio.CancelledError as error:
            return "sent" if getattr(error, "sent", False) else CANCELLED
        return "sent"

    task = victim(begin())
    await turns(delay)
    got = [item for item in [recv.recv_nowait(None)] if item is not None]
    if not capacity and not got:
        # In a rendezvous it goes when somebody is there.
        await turns(2)
        got = [item for item in [recv.recv_nowait(None)] if item is not None]
    sent = await outcome(task)
    while (item := recv.recv_nowait(None)) is not None:
        got.append(item)
    assert got == [*range(capacity), *["item"] * (sent == "sent")], (got, sent)
    assert send.statistics().waiting_senders == 0
    return sent


# --- locks


async def hold(victim, delay, lock):
    """Another one waits behind the victim, and gets the lock whatever becomes of that."""

    async def begin():
        async with lock:
            await asyncio.sleep(0)
        return "held"

    await lock.acquire_async()
    task = victim(begin())
    behind = asyncio.create_task(begin())
    await turns(delay)
    lock.release()
    got = await outcome(task)
    assert await behind == "held"
    assert waiting(lock) == 0
    assert lock.value == 1 if hasattr(lock, "value") else not lock.locked()
    return got


async def await_event(victim, delay):
    event = interlane.Event()
    task = victim(event.wait_async())
    await turns(delay)
    event.set()
    got = await outcome(task)
    assert waiting(event) == 0
    return got


async def await_number(victim, delay):
    number = interlane.AtomicInt()
    task = victim(number.wait_async(0))
    await turns(delay)
    number.add()
    got = await outcome(task)
    assert waiting(number) == 0
    return got


async def await_condition(victim, delay, lock):
    """Two wait, one is notified: the victim, or else the other one."""
    condition = interlane.Condition(lock)
    held = []

    async def begin():
        async with condition:
            try:
                return await condition.wait_async()
            finally:
                is_lock = isinstance(lock, interlane.Lock)
                held.append(lock.locked() if is_lock else lock._is_owned())

    task = victim(begin())
    other = asyncio.create_task(begin())
    await turns(delay)
    # The lock is kept for a while, so that the victim is cancelled while it wants that back too.
    await condition.acquire_async()
    both = waiting(condition) == 2
    condition.notify()
    await turns(2)
    condition.release()
    if both and await outcome(task) is CANCELLED:
        assert await other is True
    elif both:
        await turns(5)
        assert not other.done()
    while not (task.done() and other.done()):
        async with condition:
            condition.notify_all()
        await turns(1)
    assert await other is True
    assert all(held), held
    assert waiting(condition) == 0
    assert not condition.locked()
    return await outcome(task)


async def await_barrier(victim, delay):
    barrier = interlane.Barrier(2)
    task = victim(barrier.wait_async())
    await turns(delay)
    other = asyncio.create_task(barrier.wait_async())
    got = await outcome(task)
    await turns(3)
    numbers = [] if got is CANCELLED else [got]
    if not other.done():
        assert barrier.n_waiting == 1
        numbers.append(await barrier.wait_async())
    numbers.append(await other)
    assert sorted(numbers) in [[0, 1], [0], [1]], numbers
    assert len(numbers) == 2 or got is CANCELLED
    assert not barrier.broken
    assert barrier.n_waiting == waiting(barrier) == 0
    return got


SCENARIOS = {
    "arecv": lambda victim, delay: receive(victim, delay, lambda recv: recv.arecv()),
    "aselect": lambda victim, delay: receive(victim, delay, select_one),
    "async for": lambda victim, delay: receive(victim, delay, iterate),
    "asend, bounded": lambda victim, delay: send_one(victim, delay, 1),
    "asend, rendezvous": lambda victim, delay: send_one(victim, delay, 0),
    "Lock": lambda victim, delay: hold(victim, delay, interlane.Lock()),
    "RLock": lambda victim, delay: hold(victim, delay, interlane.RLock()),
    "Semaphore": lambda victim, delay: hold(victim, delay, interlane.Semaphore()),
    "BoundedSemaphore": lambda victim, delay: hold(victim, delay, interlane.BoundedSemaphore()),
    "Event": await_event,
    "AtomicInt": await_number,
    "Condition over Lock": lambda victim, delay: await_condition(victim, delay, interlane.Lock()),
    "Condition over RLock": lambda victim, delay: await_condition(victim, delay, interlane.RLock()),
    "Barrier": await_barrier,
}


async def sweep(name):
    """All steps and moments of a scenario; the outcomes that there were, and how many steps."""
    outcomes, steps = set(), 0
    for late in (False, True):
        for step in count():
            struck = False
            for delay in range(7):
                victim = Victim(step, late)
                async with asyncio.timeout(50):
                    got = await SCENARIOS[name](victim, delay)
                outcomes.add(got is CANCELLED)
                assert victim.struck or got is not CANCELLED
                struck = struck or victim.struck
            if not struck:
                break
            steps += 1
    assert outcomes == {True, False}
    return steps


def run(name, loop_factory=None):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(sweep(name))
