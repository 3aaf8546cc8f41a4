"""`await` of what lives in another interpreter: coroutines, futures, anything."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import interlane
import pytest
from interlane import interpreters

type RunLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def other() -> Iterator[Any]:
    """Another interpreter, without a loop, and with things to await."""
    interp = interpreters.create()
    interp.exec("""
import asyncio, interlane, threading
class Step:
    def __await__(self):
        yield
        yield
        return "stepped"
class Service:
    def __init__(self):
        self.log, self.event, self.queue = [], asyncio.Event(), asyncio.Queue()
    async def double(self, n):
        assert await Step() == "stepped"
        await asyncio.sleep(0.001)
        return n * 2
    async def fail(self):
        await asyncio.sleep(0)
        raise KeyError("missing")
    async def wait(self):
        await self.event.wait()
        return "set"
    async def set(self):
        self.event.set()
    async def hold(self):
        self.log.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            self.log.append("cleaned up")
            raise
    async def defy(self):
        self.log.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "defied"
    async def opaque(self):
        return threading.Lock()
    async def where(self):
        return id(asyncio.get_running_loop()), threading.get_ident()
    async def count(self):
        for n in range(3):
            await asyncio.sleep(0)
            yield n
    async def __aenter__(self):
        await asyncio.sleep(0)
        self.log.append("entered")
        return "inside"
    async def __aexit__(self, kind, *rest):
        await asyncio.sleep(0)
        self.log.append(kind and kind.__name__)
        return kind is not None
    def step(self):
        return Step()
service = Service()
""")
    yield interp
    interp.close()


def of(interp: Any, expression: str) -> Any:
    send, recv = interlane.create_channel()
    with send, recv:
        interp.prepare_main(send=send)
        interp.exec(f"send.send(interlane.proxy({expression})); send.close(); del send")
        return recv.recv(timeout=60)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


async def begun(service: Any) -> None:
    while not len(service.log):  # noqa: ASYNC110 - elsewhere
        await asyncio.sleep(0.002)


def test_a_coroutine_that_really_waits(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        assert await service.double(21) == 42
        assert await service.step() == "stepped"
        assert await asyncio.gather(*(service.double(n) for n in range(50))) == [2 * n for n in range(50)]

    run_loop(main())


def test_results_and_exceptions_come_back_as_from_any_call(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        lock = await service.opaque()
        assert lock.acquire()
        with pytest.raises(KeyError, match="missing") as caught:
            await service.fail()
        assert "in fail" in str(caught.value.__cause__)

    run_loop(main())


def test_coroutines_of_one_owner_share_a_loop_and_this_one_goes_on(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        waiting = asyncio.ensure_future(service.wait())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await service.set()
        assert await waiting == "set"
        (loop, thread), again = await service.where(), await service.where()
        assert (loop, thread) == again
        assert thread != threading.get_ident()

    run_loop(main())


def test_what_cannot_be_awaited_is_refused(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        with pytest.raises(TypeError, match="'Service' object cannot be awaited"):
            await service
        coroutine = service.double(1)
        assert await coroutine == 2
        with pytest.raises(RuntimeError, match="already awaited"):
            await coroutine

    run_loop(main())


def test_cancelling_cancels_the_other_side_and_waits_for_what_it_does_about_it(
    other: Any, run_loop: RunLoop
) -> None:
    service = of(other, "service")

    async def main() -> None:
        task = asyncio.ensure_future(service.hold())
        await begun(service)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        assert task.cancelled()
        assert list(service.log) == ["begun", "cleaned up"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await service.hold()
        assert list(service.log)[2:] in (["begun", "cleaned up"], [])  # begun or not

    run_loop(main())


def test_what_defies_cancellation_returns(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        task = asyncio.ensure_future(service.defy())
        await begun(service)
        task.cancel()
        assert await task == "defied"

    run_loop(main())


SERVE = """if True:
    async def serve():
        global loop  # kept, so that no other loop gets its address
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        future, failing = loop.create_future(), loop.create_future()
        loop.call_later(0.05, future.set_result, "from a future")
        loop.call_later(0.05, failing.set_exception, ValueError("from a future"))
        end = lambda: loop.call_soon_threadsafe(stop.set)
        send.send((id(loop), threading.get_ident(), *map(interlane.proxy, (end, future, failing))))
        send.close()
        await stop.wait()
    asyncio.run(serve())
"""


def test_a_loop_that_runs_in_the_owner_is_used(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")  # before there is a loop
    send, recv = interlane.create_channel()
    other.prepare_main(send=send)
    send.close()
    serving = threading.Thread(target=other.exec, args=(SERVE,))
    serving.start()
    loop, ident, end, future, failing = recv.recv(timeout=60)
    recv.close()

    async def main() -> None:
        assert await service.where() == (loop, ident)
        assert await service.double(4) == 8
        assert await future == "from a future"
        with pytest.raises(ValueError, match="from a future"):
            await failing

    async def later() -> None:
        assert await service.where() != (loop, ident)

    try:
        run_loop(main())
    finally:
        end()
        serving.join()
    run_loop(later())


def test_an_interpreter_awaits_what_runs_in_the_main_ones_loop(other: Any, run_loop: RunLoop) -> None:
    async def main() -> None:
        async def slow(n: int) -> tuple[int, int]:
            await asyncio.sleep(0.01)
            return n + 1, id(asyncio.get_running_loop())

        other.prepare_main(slow=interlane.proxy(slow), loop=id(asyncio.get_running_loop()))
        code = "async def go(): assert await slow(1) == (2, loop)\nasyncio.run(go())"
        await asyncio.to_thread(other.exec, code)

    run_loop(main())


def test_in_its_own_interpreter_nothing_comes_between(run_loop: RunLoop) -> None:
    async def main() -> None:
        async def here() -> Any:
            return asyncio.current_task()

        assert await interlane.proxy(here()) is asyncio.current_task()

    run_loop(main())


def test_asynchronous_iteration_and_with(other: Any, run_loop: RunLoop) -> None:
    service = of(other, "service")

    async def main() -> None:
        assert [n async for n in service.count()] == [0, 1, 2]
        async with service as inside:
            assert inside == "inside"
        async with service:
            raise ValueError("which it swallows")
        assert list(service.log) == ["entered", None, "entered", "ValueError"]

    run_loop(main())


def test_whoever_goes_away_cancels_what_it_awaited(other: Any) -> None:
    service = of(other, "service")
    awaiting = interpreters.create()
    awaiting.prepare_main(service=service)
    awaiting.exec("""
import asyncio
async def hold():
    await service.hold()
async def begin():
    steps = hold()
    steps.send(None)  # and never again
    while not len(service.log): await asyncio.sleep(0.002)
asyncio.run(begin())
""")
    until(lambda: list(service.log) == ["begun", "cleaned up"])
    awaiting.close()


ENDING = """
import asyncio, sys, threading, time
import interlane
from interlane import interpreters

worker = interpreters.create()
send, recv = interlane.create_channel()
worker.prepare_main(send=send)
worker.exec('''if True:
    import asyncio, interlane
    begun = interlane.Event()
    async def forever():
        begun.set()
        await asyncio.Event().wait()
    async def serve():
        send.send((interlane.proxy(forever), begun))
        send.close()
        await begun.wait_async()
        await asyncio.sleep(0.05)
''')
"""


def test_the_end_of_the_owner_is_noticed(run_child: Any) -> None:
    run_child(
        ENDING
        + """
worker.exec("send.send((interlane.proxy(forever), begun)); send.close()")
forever, begun = recv.recv()

async def main():
    task = asyncio.ensure_future(forever())
    await begun.wait_async()
    await asyncio.to_thread(worker.close)
    try:
        await asyncio.wait_for(task, 100)
    except interlane.OwnerGoneError as error:
        assert "ended" in str(error)
    else:
        raise AssertionError

asyncio.run(main())
"""
    )


def test_a_loop_that_ends_cancels_what_runs_in_it_for_others(run_child: Any) -> None:
    run_child(
        ENDING
        + """
thread = threading.Thread(target=worker.exec, args=("asyncio.run(serve())",))
thread.start()
forever, begun = recv.recv()

async def main():
    try:
        await asyncio.shield(asyncio.ensure_future(forever()))
    except asyncio.CancelledError:
        return
    raise AssertionError

asyncio.run(asyncio.wait_for(main(), 100))
thread.join()
worker.close()
"""
    )


def test_trio_may_wait_for_what_runs_in_asyncio(other: Any) -> None:
    trio = pytest.importorskip("trio")
    service = of(other, "service")
    answers: list[str] = []

    async def cancel_when_begun(scope: Any) -> None:
        while not len(service.log):
            await trio.sleep(0.002)
        scope.cancel()

    async def main() -> None:
        assert await service.double(21) == 42
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel_when_begun, scope)
                await service.hold()
        assert scope.cancelled_caught
        assert list(service.log) == ["begun", "cleaned up"]
        service.log = []
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancel_when_begun, scope)
                answers.append(await service.defy())
        assert answers == ["defied"]

    trio.run(main)


def test_nothing_is_left_of_awaiting(run_child: Any) -> None:
    run_child(
        """
import asyncio, gc, time
import interlane
from interlane import interpreters

worker = interpreters.create()
send, recv = interlane.create_channel()
worker.prepare_main(send=send)
worker.exec('''if True:
    import asyncio, interlane
    async def nap():
        await asyncio.sleep(0)
        return object()
    send.send(interlane.proxy(nap))
    del send
''')
nap = recv.recv()
del send, recv

async def main():
    for _ in range(20):
        await asyncio.gather(*(nap() for _ in range(20)))

asyncio.run(main())
gc.collect()
end = time.monotonic() + 60
while (interlane.stats().live > 1 or interlane.inspect().channels) and time.monotonic() < end:
    time.sleep(0.01)
assert interlane.stats().live == 1, interlane.shares()
assert not interlane.inspect().channels, interlane.inspect().channels
del nap
worker.close()
""",
        flags=("-W", "error"),
    )
