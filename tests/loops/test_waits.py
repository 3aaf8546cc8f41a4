"""Channels in asyncio: what is awaited."""

import asyncio
import sys
import threading
import time
from typing import Any

import interlane
import pytest


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


def test_arecv_waits_for_an_item(run_loop: Any, opened: Any, started: Any) -> None:
    async def main() -> None:
        async with opened() as (send, recv):
            task = await started(recv.arecv())
            assert recv.statistics().waiting_receivers == 1
            threading.Timer(0.01, send.send, ("item",)).start()
            assert await task == "item"
            assert recv.statistics().waiting_receivers == 0

    run_loop(main())


@pytest.mark.parametrize("capacity", [0, 1])
def test_asend_waits_for_room(run_loop: Any, capacity: int, opened: Any, started: Any) -> None:
    async def main() -> None:
        async with opened(capacity) as (send, recv):
            for number in range(capacity):
                await send.asend(number)
            task = await started(send.asend("last"))
            assert send.statistics().waiting_senders == 1
            got = await asyncio.to_thread(lambda: [recv.recv() for _ in range(capacity + 1)])
            await task
            assert got == [*range(capacity), "last"]

    run_loop(main())


def test_two_tasks_of_a_loop_meet_in_a_rendezvous(run_loop: Any, opened: Any) -> None:
    async def main() -> None:
        async with opened(0) as (send, recv):
            for first in (True, False):
                coroutines = [send.asend(1), recv.arecv()]
                got = await asyncio.gather(*(coroutines if first else reversed(coroutines)))
                assert set(got) == {None, 1}

    run_loop(main())


def test_async_for_ends_with_the_channel(run_loop: Any, opened: Any) -> None:
    async def main() -> list[int]:
        async with opened(2) as (send, recv):

            async def produce() -> None:
                async with send:
                    for number in range(50):
                        await send.asend(number)

            task = asyncio.create_task(produce())
            got = [item async for item in recv]
            await task
            return got

    assert run_loop(main()) == list(range(50))


def test_a_close_ends_what_is_awaited(run_loop: Any, opened: Any, started: Any) -> None:
    async def main() -> None:
        async with opened() as (send, recv):
            task = await started(recv.arecv())
            send.close()
            with pytest.raises(interlane.EndOfChannel):
                await task
            with pytest.raises(interlane.EndOfChannel):
                await recv.arecv()
        async with opened(0) as (send, recv):
            task = await started(send.asend(1))
            recv.close()
            with pytest.raises(interlane.BrokenChannel):
                await task
        async with opened() as (_, recv):
            task = await started(recv.arecv())
            recv.close()
            with pytest.raises(interlane.ClosedError):
                await task

    run_loop(main())


def test_aselect_gives_up_after_its_timeout(run_loop: Any, opened: Any, started: Any) -> None:
    async def main() -> None:
        async with opened() as (send, recv), opened(0) as (send2, recv2):
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


def test_aselect_does_the_first_that_is_possible(run_loop: Any, opened: Any, started: Any) -> None:
    async def main() -> None:
        async with opened() as (send, recv), opened(0) as (send2, recv2):
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


def test_what_cannot_be_shared_is_refused(run_loop: Any, opened: Any) -> None:
    async def main() -> None:
        async with opened(0) as (send, recv):
            with pytest.raises(interlane.NotShareableError):
                await send.asend(object())
            with pytest.raises(interlane.ChannelEmpty):
                recv.recv_nowait()

    run_loop(main())


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_wait_costs_no_time_of_the_processor(run_loop: Any, opened: Any, started: Any) -> None:
    async def main() -> float:
        async with opened() as (send, recv):
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
