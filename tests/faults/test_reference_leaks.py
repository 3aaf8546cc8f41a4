"""On a debug build of CPython: no operation leaves references behind."""

import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(sys, "gettotalrefcount"), reason="only a debug build of CPython counts references"
)

LEAKS = """
import asyncio, enum, pickle
send, recv = interlane.create_channel()
pickled, unpickled = interlane.create_channel(fallback="pickle")
full, _kept = interlane.create_channel(1)
full.send(None)
ended_send, ended = interlane.create_channel()
ended_send.close()
broken, gone = interlane.create_channel()
gone.close()
long, data, buffer = "x" * 100_000, b"y" * 100_000, bytearray(100_000)
wide = "\\u03b1" * 50_000

def there_and_back(thing):
    send.send(thing)
    return recv.recv()

def raises(*errors):
    def decorate(call):
        def operation():
            try:
                call()
            except errors:
                return
            raise AssertionError("no exception")
        operation.__name__ = call.__name__
        return operation
    return decorate

HELPERS = []

def small():
    for thing in (None, True, ..., NotImplemented, 1, 1 << 100, 2.5, 1j, "s", b"b", "\\xe9", "\\U0001d11e"):
        assert there_and_back(thing) == thing

def large():
    for thing in (long, wide, data, buffer, memoryview(buffer)[::-3], interlane.SharedStr(wide)):
        assert there_and_back(thing) == thing

def nested():
    one = []
    thing = [{"a": (long, data, {1, 2}), 5: [frozenset([1.5]), memoryview(buffer)]}, one, one]
    got = there_and_back(thing)
    assert got[1] is got[2]
    cycle = []
    cycle.append(cycle)
    got = there_and_back(cycle)
    assert got[0] is got
    got.clear(), cycle.clear()

def tensors():
    array = interlane.SharedBuffer((2, 3), "d")
    array.__dlpack__(), array.__dlpack__(max_version=(1, 0), copy=True), array.__dlpack_device__()

@raises(BufferError)
def no_tensor(): interlane.SharedBuffer(2).toreadonly().__dlpack__()

def strings():
    text = there_and_back(wide)
    assert hash(text) == hash(wide) and text.encode() == wide.encode() and str(text) == wide
    text[3:5], text + "x", repr(text)[:3], f"{text}"[:3], {text: 1}[text]
    interlane.SharedStr(), interlane.SharedStr(text), interlane.SharedStr("\\xe9")

def views():
    view = there_and_back(buffer)
    bytes(view[3:9]), view.tobytes(), view.cast("B"), memoryview(view).hex()[:3]
    send.send_buffer(buffer)
    recv.recv().release()

def ends():
    a, b = there_and_back(interlane.create_channel(3))
    with a.clone() as c, b.clone() as d:
        repr(c), repr(d), c.id, c.closed, c.capacity, len(d), c.statistics(), interlane.stats()
        interlane.SendChannel.from_id(a.id), interlane.RecvChannel.from_id(a.id)
        c.send([a, b, long])
        d.recv()

def many():
    send.send_many([long, 1, buffer, [wide]])
    recv.recv_many(2)
    recv.recv_many()
    send.send_many([])
    send.send(1)
    assert next(recv) == 1
    recv.recv_nowait("default")

def pickles():
    for thing in (complex, ValueError("x"), [long, range(3), slice(1)], sys.implementation.name):
        pickled.send(thing)
        unpickled.recv()

def waits():
    thread = start(quiet, recv.recv)
    send.send(long)
    thread.join()
    quiet(recv.recv, 0.001)
    quiet(full.send, long, 0.001)

@raises(TimeoutError)
def timeout_recv(): recv.recv(0)
@raises(TimeoutError)
def timeout_send(): full.send([long], 0)
@raises(TimeoutError)
def timeout_many(): full.send_many([long, data], 0)
@raises(interlane.ChannelEmpty)
def empty(): recv.recv_nowait()
@raises(interlane.ChannelFull)
def full_now(): full.send_nowait(long)
@raises(interlane.EndOfChannel)
def end(): ended.recv()
@raises(interlane.BrokenChannel)
def no_receiver(): broken.send([long, buffer])
@raises(interlane.BrokenChannel)
def no_receiver_many(): broken.send_many([long, buffer])
@raises(interlane.ClosedError)
def closed(): gone.recv()
@raises(interlane.ChannelNotFoundError)
def not_found(): interlane.RecvChannel.from_id(1 << 40)
@raises(interlane.NotShareableError)
def unshareable(): send.send([long, {"key": [object()]}])
@raises(interlane.NotShareableError)
def unpicklable(): pickled.send([long, type('Gone', (), {})])
@raises(interlane.NotShareableError)
def not_a_buffer(): send.send_buffer(5)
@raises(ZeroDivisionError)
def failing_iterator(): broken.send_many(1 // n for n in [0])
@raises(ValueError)
def negative_timeout(): recv.recv(-1)
@raises(ValueError)
def negative_capacity(): interlane.create_channel(-1)
@raises(TypeError)
def bad_argument(): recv.recv("soon")
@raises(TypeError)
def bad_keyword(): send.send(1, patience=3)
@raises(TypeError)
def bad_text(): interlane.SharedStr(5)
@raises(TypeError)
def read_only():
    import ctypes
    view = there_and_back(buffer)
    try:
        (ctypes.c_char * 5).from_buffer(view.obj)
    finally:
        del view

class Rebuilt:
    def __init__(self, *parts): self.parts = parts
    def __share__(self): return Rebuilt, self.parts

class Registered:
    pass

def shared():
    for thing in (long, data, buffer, [long, {"b": buffer}], Rebuilt(long, buffer), 5):
        with interlane.share(thing, on_release=lambda thing: thing) as share:
            assert share.get() is thing
            repr(share), share.areas, share.holders, share.owner, interlane.shares(), interlane.Share[int]
            again, values = there_and_back(share), there_and_back([thing, thing])
            again.close()
        del values

def rebuilt():
    assert there_and_back([Rebuilt(1, long)])[0].parts == (1, long)
    interlane.register(Registered, lambda thing: (Registered, ()))
    there_and_back(Registered())
    interlane.unregister(Registered)
    interlane.is_shareable(Rebuilt(buffer)), interlane.explain([object()])

def exceptions():
    try:
        try:
            {}["missing"]
        except KeyError as error:
            raise ValueError(object()) from error
    except ValueError as error:
        got = there_and_back(error)
    assert isinstance(got.__cause__, KeyError)

class Box:
    value = 1
    def method(self, argument): return argument
    def fail(self): raise ValueError("x")

elsewhere = interpreters.create()
elsewhere.exec(f'''if 1:
    import interlane
    class Box:
        value = 1
        def method(self, argument): return argument
        def fail(self): raise ValueError("x")
    send = interlane.SendChannel.from_id({send.id})
    import asyncio
    async def nap(seconds):
        await asyncio.sleep(seconds)
        return seconds
''')

def proxies():
    elsewhere.exec("send.send(interlane.proxy(Box()))")
    for box in (interlane.proxy(Box()), recv.recv()):
        box.value = 2
        assert box.value == 2 and box.method(long) == long
        repr(box), hash(box), box == 1, box.method(object()), there_and_back(box).value
        try:
            box.fail()
        except ValueError:
            pass

class Failing:
    def __share__(self): return 1 / 0

class Nonsense:
    def __share__(self): return 1

@raises(ZeroDivisionError)
def failing_share(): send.send([long, Rebuilt(Failing())])
@raises(interlane.NotShareableError)
def nonsense(): send.send([buffer, Nonsense()])
@raises(BufferError)
def not_writable(): interlane.share([buffer, memoryview(data)], writable=True)
@raises(TimeoutError)
def wait_released():
    share = interlane.share(buffer)
    send.send(share)
    try:
        interlane.wait_released(0)
    finally:
        recv.recv().close()

def iteration_to_the_end():
    assert list(ended) == []
    a, b = interlane.create_channel()
    a.send_many([long, 2])
    a.close()
    assert len(list(b)) == 2

def locks():
    one = there_and_back([
        interlane.Lock(), interlane.RLock(), interlane.Semaphore(2), interlane.BoundedSemaphore(),
        interlane.Event(), interlane.Condition(), interlane.Barrier(1, lambda: None), interlane.AtomicInt(5),
    ])
    lock, rlock, semaphore, bounded, event, condition, barrier, number = one
    for it in (lock, rlock, semaphore, bounded, condition):
        with it:
            it.acquire(timeout=0), repr(it), hash(it), it == lock, it.id
    rlock.release(), semaphore.release(), condition.release()
    event.set(), event.wait(), event.clear(), event.wait(0), repr(event)
    with condition:
        condition.wait(0), condition.notify_all(), condition.wait_for(lambda: True), condition.lock
    barrier.wait(), barrier.reset(), repr(barrier)
    number.add(1 << 40), number.exchange(1 << 50), number.wait(0)
    lock.acquire(timeout=0.001), interlane.inspect()

def choosing():
    assert interlane.select(recv, (send, long)).index == 1
    assert interlane.select(recv, timeout=1).item == long
    raises(TimeoutError)(lambda: interlane.select(recv, (full, data), timeout=0))()
    raises(interlane.EndOfChannel)(lambda: interlane.select(recv, ended))()

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)

def awaited(make):
    async def limited():
        async with asyncio.timeout(60):
            await make()
    def operation():
        loop.run_until_complete(limited())
    operation.__name__ = make.__name__
    return operation

async def cancelled(coroutine):
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()

@awaited
async def awaited_channels():
    a, b = interlane.create_channel(1)
    async with a, b:
        await a.asend(long), await b.arecv()
        receiving = asyncio.ensure_future(b.arecv())
        await asyncio.sleep(0)
        await a.asend(data), await receiving
        await interlane.aselect((a, long), b)
        await cancelled(a.asend(data)), await b.arecv()
        await cancelled(b.arecv()), await cancelled(interlane.aselect(b, recv))

@awaited
async def awaited_locks():
    lock, rlock, semaphore, condition = (
        interlane.Lock(), interlane.RLock(), interlane.Semaphore(), interlane.Condition())
    event, barrier, number = interlane.Event(), interlane.Barrier(2, lambda: None), interlane.AtomicInt()
    async def hold(it):
        async with it:
            await asyncio.sleep(0)
    for it in (lock, rlock, semaphore, condition):
        await asyncio.gather(hold(it), hold(it), cancelled(hold(it)))
    async def wait():
        async with condition:
            await condition.wait_async()
    waits = [asyncio.ensure_future(it) for it in (
        wait(), event.wait_async(), barrier.wait_async(), number.wait_async(0))]
    await cancelled(wait()), await cancelled(event.wait_async()), await cancelled(number.wait_async(0))
    async with condition:
        condition.notify_all(), event.set(), number.add()
    await asyncio.gather(*waits, barrier.wait_async())
    await cancelled(barrier.wait_async())

@awaited
async def awaited_guards():
    buf = interlane.SharedBuffer(3)
    async def use(guard):
        async with guard as view:
            await asyncio.sleep(0)
            view[0]
    await asyncio.gather(use(buf.reading()), use(buf.writing(timeout=5)), cancelled(use(buf.writing())))
    with buf.reading():
        try:
            await use(buf.writing(timeout=0.001))
        except interlane.BufferBusyError:
            return
    raise AssertionError

@awaited
async def awaited_proxies():
    elsewhere.exec("send.send(interlane.proxy(nap))")
    nap = await recv.arecv()
    assert await nap(0) == 0
    await asyncio.gather(nap(0.001), nap(0))
    await cancelled(nap(5))
    try:
        await nap("long")
    except TypeError:
        return
    raise AssertionError

@awaited
async def task_that_ends_with_a_lock():
    lock = interlane.RLock()
    await asyncio.ensure_future(lock.acquire_async())
    try:
        await lock.acquire_async()
    except interlane.OwnerGoneError:
        return
    raise AssertionError

@raises(RuntimeError)
def release_unlocked(): interlane.Lock().release()
@raises(ValueError)
def release_too_often(): interlane.BoundedSemaphore().release()
@raises(OverflowError)
def beyond_64_bits(): interlane.AtomicInt(1 << 62).add(1 << 62)
@raises(ZeroDivisionError)
def failing_action(): interlane.Barrier(1, lambda: 1 / 0).wait()
@raises(TypeError)
def bad_lock(): interlane.Condition(5)
@raises(TypeError)
def bad_lock_argument(): interlane.Lock(1, x=2)

PLAIN = {"a": [1, 2.5, {"b": (None, 1 << 100, "\\u03b1")}], (1, "x"): {1, 2}, 5: long, b"k": data}

class Alike:
    def __eq__(self, other): return other == "a"
    def __hash__(self): return hash("a")

def frozen_data():
    thing = interlane.freeze(PLAIN)
    assert thing == PLAIN and PLAIN == thing and thing == interlane.freeze(PLAIN) and thing.thaw() == PLAIN
    got = there_and_back([thing, thing["a"]])
    assert got[0] == PLAIN and got[1] == PLAIN["a"] and got[0][5] == long and got[0][b"k"] == data
    thing[1, "x"], thing.get(7), Alike() in thing, {1} in interlane.freeze({frozenset({1})}), repr(thing)
    list(thing), list(thing.keys()), list(thing.values()), list(thing.items()), list(reversed(thing))
    thing.keys() & {5}, thing.nbytes
    part = thing["a"]
    part[1:], part[-1], list(part), part.index(2.5), part.count([]), {"b"} in part, part == [1], part != part
    one = interlane.freeze((1, "x", {1, 2}))
    one[2] & {1}, one[2] | {3}, {3} - one[2], one[2] < {1, 2, 3}, one[2].union([4]), one[2].isdisjoint([1])
    hash(interlane.freeze((1, {2}))), pickle.loads(pickle.dumps(thing)), interlane.FrozenDict[int, str]
    interlane.freeze(thing), interlane.freeze([thing])

@raises(KeyError)
def not_frozen_key(): interlane.freeze(PLAIN)[long]
@raises(TypeError)
def unhashable_key(): interlane.freeze(PLAIN)[[]]
@raises(TypeError)
def unhashable_part(): hash(interlane.freeze(([],)))
@raises(IndexError)
def no_item(): interlane.freeze([long])[1]
@raises(ValueError)
def no_value(): interlane.freeze([long]).index(data)
@raises(interlane.NotShareableError)
def not_plain(): interlane.freeze([long, {"key": [object()]}])
@raises(interlane.NotShareableError)
def endless():
    loop = [long]
    loop.append({"k": loop})
    try:
        interlane.freeze(loop)
    finally:
        loop.clear()

HELPERS += settled, counted, until, nothing_is_lost, rss, start, quiet, there_and_back, raises, awaited
HELPERS += cancelled,
def shared_buffers():
    buf = interlane.SharedBuffer((2, 8), "<hx")
    with buf.reading() as view, buf.reading(timeout=0):
        view[1].tolist(), view.cast("B"), memoryview(view), repr(view), view == buf
    with buf.writing() as view:
        view[...] = buf
    there_and_back(interlane.move(buf[0])), there_and_back([interlane.move(interlane.SharedBuffer(3))])
    wrapped = interlane.SharedBuffer.from_buffer(buffer)
    wrapped[3] = 5
    interlane.SharedBuffer.from_buffer(memoryview(there_and_back(wrapped)))
    buf.__array_interface__, buf.freeze(), repr(interlane.move(buf)), repr(buf.reading())

@raises(interlane.BufferBusyError)
def busy_guard():
    buf = interlane.SharedBuffer(3)
    with buf.reading():
        buf.writing(timeout=0).__enter__()
@raises(BufferError)
def exported_view():
    with interlane.SharedBuffer(3).writing() as view:
        export = memoryview(view)
@raises(ValueError)
def ended_view():
    with interlane.SharedBuffer(3).reading() as view:
        pass
    view[0]
@raises(interlane.ClosedError)
def moved_buffer():
    buf = interlane.SharedBuffer(3)
    there_and_back(interlane.move(buf))
    buf[0]
@raises(TimeoutError)
def move_refused(): full.send([interlane.move(interlane.SharedBuffer(3))], 0)
@raises(BufferError)
def move_in_use():
    buf = interlane.SharedBuffer(3)
    part = buf[1:]
    interlane.move(buf)

OPERATIONS = [value for value in list(globals().values()) if callable(value) and value not in HELPERS
              and not isinstance(value, type) and getattr(value, "__module__", None) == "__main__"]

def measured(operation, times):
    for _ in range(times):
        operation()
    # asyncio's tasks that were cancelled are cycles, and hold what they used.
    for collect in (gc.collect, lambda: elsewhere.exec("import gc; gc.collect()"), gc.collect):
        collect()
        settled()
    return sys.gettotalrefcount()

def leak(operation):
    measured(operation, 20)
    # What one run more costs; the least of several, since caches fill up and other threads come and go.
    growths = []
    while len(growths) < 12 and (not growths or min(growths) >= 0.5):
        before = measured(operation, 20)
        growths.append((measured(operation, 60) - before) / 60)
    return min(growths)

leaks = {operation.__name__: leak(operation) for operation in OPERATIONS}
print(len(leaks), {name: growth for name, growth in leaks.items() if growth >= 0.5})
"""


@pytest.mark.timeout(300)
def test_operations_leave_no_references_behind(run_child):
    out = run_child(LEAKS, timeout=240)
    count, leaks = out.split(maxsplit=1)
    assert int(count) >= 45
    assert leaks.strip() == "{}"


# CPython leaks a few references of its own with each interpreter: with and without interlane is compared.
INTERPRETERS = """
def run(code):
    interp = interpreters.create()
    interp.exec(code)
    interp.close()
def growth(code, tries=3):
    for _ in range(5):
        run(code)
    growths = []
    for _ in range(tries):
        settled()
        gc.collect()
        before = sys.gettotalrefcount()
        for _ in range(10):
            run(code)
        settled()
        gc.collect()
        growths.append((sys.gettotalrefcount() - before) / 10)
    return min(growths)
send, recv = interlane.create_channel()
USE = f'''if 1:
    import interlane, atexit, threading
    send, recv = interlane.SendChannel.from_id({send.id}), interlane.RecvChannel.from_id({recv.id})
    held = []
    text = "x" * 100_000
    for thing in (text, text.encode(), bytearray(100_000), [text + "y", send], interlane.SharedStr(text)):
        send.send(thing)
        held.append(recv.recv())
    try:
        recv.recv(0.001)
    except TimeoutError as error:
        held.append(error)
    cycle = [held]
    cycle.append(cycle)
'''
without = growth("import atexit, threading")
with_ = growth(USE)
if with_ > without + 2:  # by chance, or every time
    without, with_ = growth("import atexit, threading", 6), growth(USE, 6)
print(without, with_)
"""


@pytest.mark.timeout(300)
def test_interpreters_that_use_interlane_leave_no_more_behind_than_others(run_child):
    without, with_ = map(float, run_child(INTERPRETERS, timeout=240).split())
    assert with_ <= without + 2
