"""Channels in asyncio: what is cancelled loses nothing."""

import asyncio
import threading
from typing import Any

import interlane
import pytest


@pytest.mark.parametrize("capacity", [None, 0, 1])
@pytest.mark.parametrize("selecting", [False, True])
def test_a_cancelled_arecv_loses_nothing_at_any_step(
    run_loop: Any, capacity: Any, selecting: bool, opened: Any
) -> None:
    async def receive(recv: Any, other: Any) -> Any:
        return (await interlane.aselect(other, recv)).item if selecting else await recv.arecv()

    async def main() -> None:
        outcomes = set()
        for send_at in range(5):
            for cancel_at in range(6):
                async with opened(capacity) as (send, recv), opened() as (_, other):
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
def test_a_cancelled_asend_has_sent_or_not_at_any_step(run_loop: Any, capacity: int, opened: Any) -> None:
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
                async with opened(capacity) as (send, recv):
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


def test_an_item_that_a_cancelled_arecv_had_goes_to_the_next_in_line(
    run_loop: Any, opened: Any, started: Any
) -> None:
    async def main() -> None:
        async with opened() as (send, recv):
            first = await started(recv.arecv())
            second = await started(recv.arecv())
            send.send("item")
            first.cancel()
            assert await second == "item"
            assert first.cancelled()

    run_loop(main())


def test_time_outs_against_a_sender_in_a_thread_lose_nothing(run_loop: Any, opened: Any) -> None:
    total = 2000

    async def main() -> list[int]:
        got = []
        async with opened(4) as (send, recv):
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
