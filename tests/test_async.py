"""Channels in asyncio: what is awaited, what cancelling leaves, and what becomes of loops and descriptors."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any

import interlane
import pytest

try:
    import uvloop
except ImportError:
    uvloop = None


def descriptors() -> int:
    """How many are open in this process."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("no /proc")
    gc.collect()  # what other tests have left
    return len(list(folder.iterdir()))


@asynccontextmanager
async def ends(capacity: int | None = None) -> AsyncIterator[tuple[Any, Any]]:
    send, recv = interlane.create_channel(capacity)
    async with send as same_send, recv as same_recv:
        assert same_send is send
        assert same_recv is recv
        yield send, recv
    assert send.closed
    assert recv.closed


async def started(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task that has come to its first wait."""
    task = asyncio.create_task(coroutine)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not task.done()
    return task


def test_what_is_there_is_received_without_the_loop() -> None:
    send, recv = interlane.create_channel(1)

    async def main() -> Any:
        await send.asend("item")
        await interlane.aselect(recv)
        await interlane.aselect((send, "more"))
        return await recv.arecv()

    # A coroutine that never suspends needs no loop.
    with pytest.raises(StopIteration) as done:
        main().send(None)
    assert done.value.value == "more"


def test_arecv_waits_for_an_item(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv):
            task = await started(recv.arecv())
            assert recv.statistics().waiting_receivers == 1
            threading.Timer(0.01, send.send, ("item",)).start()
            assert await task == "item"
            assert recv.statistics().waiting_receivers == 0

    run_loop(main())


@pytest.mark.parametrize("capacity", [0, 1])
def test_asend_waits_for_room(run_loop: Any, capacity: int) -> None:
    async def main() -> None:
        async with ends(capacity) as (send, recv):
            for number in range(capacity):
                await send.asend(number)
            task = await started(send.asend("last"))
            assert send.statistics().waiting_senders == 1
            got = await asyncio.to_thread(lambda: [recv.recv() for _ in range(capacity + 1)])
            await task
            assert got == [*range(capacity), "last"]

    run_loop(main())


def test_two_tasks_of_a_loop_meet_in_a_rendezvous(run_loop: Any) -> None:
    async def main() -> None:
        async with ends(0) as (send, recv):
            for first in (True, False):
                coroutines = [send.asend(1), recv.arecv()]
                got = await asyncio.gather(*(coroutines if first else reversed(coroutines)))
                assert set(got) == {None, 1}

    run_loop(main())


def test_async_for_ends_with_the_channel(run_loop: Any) -> None:
    async def main() -> list[int]:
        async with ends(2) as (send, recv):

            async def produce() -> None:
                async with send:
                    for number in range(50):
                        await send.asend(number)

            task = asyncio.create_task(produce())
            got = [item async for item in recv]
            await task
            return got

    assert run_loop(main()) == list(range(50))


def test_many_waits_of_a_loop_share_one_descriptor(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv), ends(0) as (send2, recv2):
            first = await started(recv.arecv())
            threads, before = set(threading.enumerate()), descriptors()
            tasks = [await started(recv.arecv()) for _ in range(50)]
            tasks += [await started(interlane.aselect((send2, 1))) for _ in range(50)]
            assert descriptors() <= before
            assert set(threading.enumerate()) <= threads
            send.send_many(range(51))
            assert await first == 0
            await asyncio.to_thread(lambda: [recv2.recv() for _ in range(50)])
            got = await asyncio.gather(*tasks)
            assert got[:50] == list(range(1, 51))

    run_loop(main())


def test_a_close_ends_what_is_awaited(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv):
            task = await started(recv.arecv())
            send.close()
            with pytest.raises(interlane.EndOfChannel):
                await task
            with pytest.raises(interlane.EndOfChannel):
                await recv.arecv()
        async with ends(0) as (send, recv):
            task = await started(send.asend(1))
            recv.close()
            with pytest.raises(interlane.BrokenChannel):
                await task
        async with ends() as (_, recv):
            task = await started(recv.arecv())
            recv.close()
            with pytest.raises(interlane.ClosedError):
                await task

    run_loop(main())


def test_aselect_gives_up_after_its_timeout(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv), ends(0) as (send2, recv2):
            began = time.perf_counter()
            with pytest.raises(TimeoutError, match="timed out"):
                await interlane.aselect(recv, (send2, 1), timeout=0.05)
            assert time.perf_counter() - began > 0.04
            with pytest.raises(TimeoutError):
                await interlane.aselect(recv, timeout=0)
            assert recv.statistics().waiting_receivers == send2.statistics().waiting_senders == 0
            send.send("item")
            assert (await interlane.aselect(recv, recv2, timeout=0)).item == "item"
            for timeout in (1e300, float("inf"), 100):
                task = await started(interlane.aselect(recv, recv2, timeout=timeout))
                send.send("item")
                assert (await task).item == "item"
            for wrong in (-1, float("nan")):
                with pytest.raises(ValueError, match="timeout"):
                    await interlane.aselect(recv, timeout=wrong)
            send.close()
            with pytest.raises(interlane.EndOfChannel):
                await interlane.aselect(recv, timeout=1)

    run_loop(main())


def test_aselect_does_the_first_that_is_possible(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv), ends(0) as (send2, recv2):
            task = await started(interlane.aselect(recv, (send2, "sent"), recv))
            assert await asyncio.to_thread(recv2.recv) == "sent"
            selected = await task
            assert type(selected) is interlane.Selected
            assert selected == (1, send2, None)
            assert recv.statistics().waiting_receivers == 0
            task = await started(interlane.aselect((send2, 1), recv))
            send.close()
            with pytest.raises(interlane.EndOfChannel) as ended:
                await task
            assert (ended.value.index, ended.value.end) == (1, recv)  # type: ignore[attr-defined]
            with pytest.raises(interlane.EndOfChannel) as ended:
                await interlane.aselect((send2, 1), recv)
            assert ended.value.end is recv  # type: ignore[attr-defined]
            with pytest.raises(TypeError, match="operation 0"):
                await interlane.aselect(5)  # type: ignore[arg-type]

    run_loop(main())


def test_what_cannot_be_shared_is_refused(run_loop: Any) -> None:
    async def main() -> None:
        async with ends(0) as (send, recv):
            with pytest.raises(interlane.NotShareableError):
                await send.asend(object())
            with pytest.raises(interlane.ChannelEmpty):
                recv.recv_nowait()

    run_loop(main())


@pytest.mark.parametrize("capacity", [None, 0, 1])
@pytest.mark.parametrize("selecting", [False, True])
def test_a_cancelled_arecv_loses_nothing_at_any_step(run_loop: Any, capacity: Any, selecting: bool) -> None:
    async def receive(recv: Any, other: Any) -> Any:
        return (await interlane.aselect(other, recv)).item if selecting else await recv.arecv()

    async def main() -> None:
        outcomes = set()
        for send_at in range(5):
            for cancel_at in range(6):
                async with ends(capacity) as (send, recv), ends() as (_, other):
                    task = asyncio.create_task(receive(recv, other))
                    sent = False
                    for step in range(7):
                        if step == cancel_at:
                            task.cancel()
                        if step == send_at:
                            try:
                                send.send_nowait("item")
                                sent = True
                            except interlane.ChannelFull:
                                pass
                        await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.wait([task])
                    got = [] if task.cancelled() else [task.result()]
                    left = [item for item in [recv.recv_nowait(None)] if item]
                    assert got + left == ["item"] * sent, (send_at, cancel_at)
                    assert recv.statistics().waiting_receivers == 0
                    outcomes.add((bool(got), bool(left)))
        assert {(True, False), (False, True)} <= outcomes or capacity == 0

    run_loop(main())


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_cancelled_asend_has_sent_or_not_at_any_step(run_loop: Any, capacity: int) -> None:
    async def send_and_tell(send: Any) -> bool:
        try:
            await send.asend("item")
        except asyncio.CancelledError as error:
            return getattr(error, "sent", False)
        return True

    async def main() -> None:
        outcomes = set()
        for receive_at in range(5):
            for cancel_at in range(1, 6):
                async with ends(capacity) as (send, recv):
                    send.send_many(range(capacity))
                    task = asyncio.create_task(send_and_tell(send))
                    got = []
                    for step in range(7):
                        if step == cancel_at:
                            task.cancel()
                        if step == receive_at:
                            got += [item for item in [recv.recv_nowait(None)] if item is not None]
                        await asyncio.sleep(0)
                    task.cancel()
                    sent = await task
                    while (item := recv.recv_nowait(None)) is not None:
                        got.append(item)
                    assert got == [*range(capacity), *["item"] * sent], (receive_at, cancel_at)
                    assert send.statistics().waiting_senders == 0
                    outcomes.add(sent)
        assert outcomes == {True, False}

    run_loop(main())


def test_an_item_that_a_cancelled_arecv_had_goes_to_the_next_in_line(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv):
            first = await started(recv.arecv())
            second = await started(recv.arecv())
            send.send("item")
            first.cancel()
            assert await second == "item"
            assert first.cancelled()

    run_loop(main())


@pytest.mark.parametrize("make", ["plain", "eager", "python", "debug"])
def test_every_kind_of_task_goes_on_as_itself(run_loop: Any, make: str) -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)

    async def receive(recv: Any, number: int) -> None:
        variable.set(number)
        task = asyncio.current_task()
        for _ in range(2):
            await recv.arecv()
            assert variable.get() == number
            assert asyncio.current_task() is task
        with pytest.raises(asyncio.CancelledError, match="why"):
            await recv.arecv()
        assert asyncio.current_task() is task

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(make == "debug")
        if make == "eager":
            loop.set_task_factory(asyncio.eager_task_factory)
        elif make == "python":
            slow: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]
            loop.set_task_factory(lambda loop, coroutine, **more: slow(coroutine, loop=loop, **more))
        async with ends() as (send, recv):
            tasks = [await started(receive(recv, number)) for number in range(5)]
            for _ in range(2):
                send.send_many(range(5))
                while recv.statistics().waiting_receivers < 5:  # noqa: ASYNC110 - nobody else tells
                    await asyncio.sleep(0.001)
            for task in tasks:
                assert task.cancel("why")
            await asyncio.gather(*tasks)

    run_loop(main())


def test_a_task_that_ends_the_loop_takes_no_other_with_it() -> None:
    async def receive(recv: Any) -> Any:
        if await recv.arecv() == "leave":
            raise SystemExit
        return "stayed"

    async def begin(recv: Any) -> list[asyncio.Task[Any]]:
        return [await started(receive(recv)) for _ in range(4)]

    send, recv = interlane.create_channel()
    with send, recv, asyncio.Runner() as runner:
        first, *others = runner.run(begin(recv))
        # Four waits are over at once, and twice there are some left when the loop ends.
        send.send_many(["leave", "leave", "item", "item"])
        for _ in range(2):
            with pytest.raises(SystemExit):
                runner.run(asyncio.sleep(60))
        assert runner.run(_results(others[1:])) == ["stayed", "stayed"]
        for task in (first, others[0]):
            assert isinstance(task.exception(), SystemExit)


async def _results(tasks: list[asyncio.Task[Any]]) -> list[Any]:
    return [await task for task in tasks]


def test_tasks_that_wake_each_other_leave_the_loop_to_others(run_loop: Any) -> None:
    async def play(send: Any, recv: Any) -> None:
        while True:
            await send.asend(await recv.arecv())

    async def main() -> None:
        async with ends() as (there, out), ends() as (back, home):
            tasks = [await started(play(back, out)), await started(play(there, home))]
            there.send("ball")
            for _ in range(50):
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    run_loop(main())


def test_what_a_wait_yields_is_a_future_to_others(run_loop: Any) -> None:
    async def main() -> None:
        async with ends() as (send, recv):
            called: list[Any] = []
            for way in ("late", "plain", "removed", "with a context", "cancelled"):
                coroutine = recv.arecv()
                future = coroutine.send(None)
                assert asyncio.isfuture(future)
                wake = lambda _, way=way: called.append(way)  # noqa: E731
                context = copy_context() if way in ("removed", "with a context", "cancelled") else None
                if way != "late":
                    future.add_done_callback(wake, context=context)
                if way == "removed":
                    assert future.remove_done_callback(wake) == 1
                if way == "cancelled":
                    assert future.cancel()
                else:
                    send.send("item")
                    await asyncio.wait([future])
                if way == "late":
                    future.add_done_callback(wake)
                await asyncio.sleep(0)
                assert future.done()
                assert future.cancelled() == (way == "cancelled")
                if way == "cancelled":
                    with pytest.raises(asyncio.CancelledError):
                        coroutine.throw(asyncio.CancelledError())
                else:
                    with pytest.raises(StopIteration) as done:
                        coroutine.send(None)
                    assert done.value.value == "item"
            assert called == ["late", "plain", "with a context", "cancelled"]

    run_loop(main())


def test_time_outs_against_a_sender_in_a_thread_lose_nothing(run_loop: Any) -> None:
    total = 2000

    async def main() -> list[int]:
        got = []
        async with ends(4) as (send, recv):
            thread = threading.Thread(target=send.send_many, args=(range(total),))
            thread.start()
            patience = 0
            while len(got) < total:
                patience = (patience + 7) % 50
                try:
                    async with asyncio.timeout(patience / 1e6):
                        got.append(await recv.arecv())
                except TimeoutError:
                    pass
            thread.join()
        return got

    assert run_loop(main()) == list(range(total))


@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")
def test_a_loop_that_is_closed_while_it_waits_leaves_nothing() -> None:
    send, recv = interlane.create_channel()
    before = descriptors()
    for loop_factory in (asyncio.new_event_loop, uvloop and uvloop.new_event_loop):
        for number in range(20) if loop_factory else ():
            loop = loop_factory()
            coroutine = recv.arecv()
            future: Any = None

            async def begin(coroutine: Any = coroutine) -> Any:
                return coroutine.send(None)

            future = loop.run_until_complete(asyncio.wait_for(_hidden(begin()), 10))
            assert recv.statistics().waiting_receivers == 1
            if number % 2:
                send.send("item")
            loop.close()
            del future
            coroutine.close()
            assert recv.statistics().waiting_receivers == 0
            assert recv.recv_nowait(None) == ("item" if number % 2 else None)
            del loop, coroutine, begin
    assert descriptors() <= before
    send.close()
    recv.close()


async def _hidden(coroutine: Any) -> tuple[Any]:
    """What a coroutine returns, out of sight of the loop."""
    return (await coroutine,)


def test_waits_in_many_interpreters_and_loops_leave_no_descriptors(run_child: Any) -> None:
    run_child(
        """
        import asyncio, os, threading
        import interlane

        code = '''
        import asyncio, interlane
        async def main():
            async with asyncio.timeout(150):
                tasks = [asyncio.create_task(echo()) for _ in range(5)]
                await asyncio.gather(*tasks)
        async def echo():
            async for item in recv:
                await send.asend(item)
        for _ in range(2):
            asyncio.run(main())
        asyncio.run(asyncio.sleep(0))
        '''

        def round(count):
            (there, inside), (back, out) = interlane.create_channel(2), interlane.create_channel(0)
            workers = []
            for _ in range(count):
                worker = interlane.interpreters.create()
                worker.prepare_main(recv=inside, send=back)
                thread = threading.Thread(target=worker.exec, args=(code,))
                thread.start()
                workers.append((worker, thread))
            async def main():
                sending = asyncio.create_task(feed())
                got = [await out.arecv() for _ in range(200)]
                await sending
                return got
            async def feed():
                for number in range(200):
                    await there.asend(number)
            got = asyncio.run(main())
            assert sorted(got) == list(range(200)), got
            there.close()
            for worker, thread in workers:
                thread.join()
                worker.close()
            for end in (inside, back, out):
                end.close()

        def descriptors():
            return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0

        round(1)
        before = descriptors()
        round(3)
        round(3)
        assert descriptors() <= before, (before, descriptors())
        """
    )


def test_an_interpreter_that_ends_gives_back_what_it_awaits(run_child: Any) -> None:
    # The wait is never taken up again, and the item that has come belongs to whoever is left.
    run_child(
        """
        import interlane, os
        send, recv = interlane.create_channel()
        other = interlane.interpreters.create()
        other.prepare_main(recv=recv)
        other.exec('''if True:
            import asyncio, sys
            loop = asyncio.new_event_loop()
            coroutine = recv.arecv()
            async def begin():
                return (coroutine.send(None),)
            kept = loop.run_until_complete(begin())
            sys.kept = (kept, coroutine, loop)
            ''')
        assert recv.statistics().waiting_receivers == 1
        send.send("item")
        assert len(recv) == 0
        other.close()
        assert recv.recv(timeout=60) == "item"
        assert recv.statistics().waiting_receivers == 0
        os._exit(0)  # as above
        """
    )


def test_ctrl_c_in_asyncio_and_wakeup_descriptors_work_as_ever(run_child: Any) -> None:
    run_child(
        """
        import asyncio, interlane, os, signal, socket, threading, time
        send, recv = interlane.create_channel()
        def wait_for_a_receiver():
            while not recv.statistics().waiting_receivers:
                time.sleep(0.001)
        def interrupt():
            wait_for_a_receiver()
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            asyncio.run(recv.arecv())
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError
        assert recv.statistics().waiting_receivers == 0

        # A blocking call does not keep a signal from a wake-up descriptor, nor the other way round.
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        seen = []
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        def later():
            wait_for_a_receiver()
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.1)
            send.send("item")
        threading.Thread(target=later).start()
        assert recv.recv(timeout=60) == "item"
        assert seen == [signal.SIGUSR1]
        assert reader.recv(10) == bytes([signal.SIGUSR1])
        """
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_wait_costs_no_time_of_the_processor(run_loop: Any) -> None:
    async def main() -> float:
        async with ends() as (send, recv):
            task = await started(recv.arecv())
            spent = 1.0
            for _ in range(20):  # other threads of the process count, too
                before = time.process_time()
                await asyncio.sleep(0.5)
                spent = min(spent, time.process_time() - before)
                if spent < 0.25:
                    break
            send.send(1)
            await task
            return spent

    assert run_loop(main()) < 0.25
