"""Channels in asyncio: tasks, loops, their descriptors, and how they end."""

import asyncio
import threading
from contextvars import ContextVar, copy_context
from typing import Any

import interlane
import pytest

try:
    import uvloop
except ImportError:
    uvloop = None


def test_many_waits_of_a_loop_share_one_descriptor(
    run_loop: Any, opened: Any, started: Any, descriptors: Any
) -> None:
    async def main() -> None:
        async with opened() as (send, recv), opened(0) as (send2, recv2):
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


@pytest.mark.parametrize("make", ["plain", "eager", "python", "debug"])
def test_every_kind_of_task_goes_on_as_itself(run_loop: Any, make: str, opened: Any, started: Any) -> None:
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
        async with opened() as (send, recv):
            tasks = [await started(receive(recv, number)) for number in range(5)]
            for _ in range(2):
                send.send_many(range(5))
                while recv.statistics().waiting_receivers < 5:  # noqa: ASYNC110 - nobody else tells
                    await asyncio.sleep(0.001)
            for task in tasks:
                assert task.cancel("why")
            await asyncio.gather(*tasks)

    run_loop(main())


def test_a_task_that_ends_the_loop_takes_no_other_with_it(started: Any) -> None:
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


def test_tasks_that_wake_each_other_leave_the_loop_to_others(
    run_loop: Any, opened: Any, started: Any
) -> None:
    async def play(send: Any, recv: Any) -> None:
        while True:
            await send.asend(await recv.arecv())

    async def main() -> None:
        async with opened() as (there, out), opened() as (back, home):
            tasks = [await started(play(back, out)), await started(play(there, home))]
            there.send("ball")
            for _ in range(50):
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    run_loop(main())


def test_what_a_wait_yields_is_a_future_to_others(run_loop: Any, opened: Any) -> None:
    async def main() -> None:
        async with opened() as (send, recv):
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


@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")
def test_a_loop_that_is_closed_while_it_waits_leaves_nothing(descriptors: Any) -> None:
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


def test_waits_in_many_interpreters_and_loops_leave_no_descriptors(run_child: Any, descriptors: Any) -> None:
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
