"""Channels and locks in trio, and in anyio over either of its backends."""

import threading
from collections.abc import Iterator
from typing import Any

import interlane
import pytest

anyio = pytest.importorskip("anyio")
trio = pytest.importorskip("trio")


@pytest.fixture(params=["asyncio", "trio"])
def run_anyio(request: pytest.FixtureRequest) -> Any:
    """Runs a function of anyio's, for at most a minute."""

    def run(main: Any) -> None:
        async def limited() -> None:
            with anyio.fail_after(60):
                await main()

        anyio.run(limited, backend=request.param)

    return run


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    send, recv = interlane.create_channel(1)
    with send, recv:
        yield send, recv


async def pause(turns: int = 3) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


def test_items_go_from_task_to_task_and_to_threads(run_anyio: Any, ends: Any) -> None:
    send, recv = ends
    back, forth = interlane.create_channel(0)

    async def main() -> None:
        got = []

        async def produce() -> None:
            async with send:
                for number in range(50):
                    await send.asend(number)

        async def consume() -> None:
            got.extend([item async for item in recv])

        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            group.start_soon(produce)
        assert got == list(range(50))
        thread = threading.Thread(target=back.send, args=("from a thread",))
        thread.start()
        _never, other = interlane.create_channel()
        assert (await interlane.aselect(other, forth)).item == "from a thread"
        thread.join()

    run_anyio(main)


def test_cancelling_loses_nothing(run_anyio: Any, ends: Any) -> None:
    send, recv = ends

    async def main() -> None:
        for turns in range(6):
            got = []

            async def receive(got: list[Any] = got) -> None:
                got.append(await recv.arecv())

            async with anyio.create_task_group() as group:
                group.start_soon(receive)
                await pause(turns)
                send.send_nowait("item")
                group.cancel_scope.cancel()
            left = recv.recv_nowait(None)
            assert [*got, left] in (["item", None], ["item"], [left]), (got, left)
            assert bool(got) != bool(left)
        send.send_nowait("full")
        with anyio.move_on_after(0.01) as scope:
            await send.asend("never")
        assert scope.cancelled_caught
        assert recv.recv_many() == ["full"]
        assert send.statistics().waiting_senders == 0

    run_anyio(main)


def test_locks_are_awaited(run_anyio: Any) -> None:
    async def main() -> None:
        for lock in (interlane.Lock(), interlane.RLock(), interlane.Semaphore()):
            inside = []

            async def hold(lock: Any = lock, inside: Any = inside) -> None:
                async with lock:
                    inside.append(1)
                    assert inside == [1]
                    await pause()
                    inside.pop()

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(hold)
        event, number = interlane.Event(), interlane.AtomicInt()
        thread = threading.Timer(0.01, lambda: (event.set(), number.add()))
        thread.start()
        assert await event.wait_async()
        assert await number.wait_async(0)

    run_anyio(main)


def test_a_condition_has_its_lock_again_when_it_is_cancelled(run_anyio: Any) -> None:
    async def main() -> None:
        condition = interlane.Condition()
        owned = []

        async def wait() -> None:
            async with condition:
                try:
                    await condition.wait_async()
                finally:
                    owned.append(condition.lock._is_owned())

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await pause()
            async with condition:
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await pause()
                assert not owned
        assert owned == [True]
        assert not condition.locked()

    run_anyio(main)


def test_a_task_of_trios_that_ends_with_an_rlock_loses_it() -> None:
    lock = interlane.RLock()

    async def keep() -> None:
        await lock.acquire_async()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep)
        with pytest.raises(interlane.OwnerGoneError):
            await lock.acquire_async()
        assert lock.recover()

    trio.run(main)


def test_a_run_of_trio_leaves_no_descriptor_open(run_child: Any) -> None:
    run_child(
        """
        import gc, interlane, os, trio
        async def main():
            send, recv = interlane.create_channel()
            with trio.move_on_after(0.01):
                await recv.arecv()
        trio.run(main)
        gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            trio.run(main)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= before
        """
    )


def test_aselect_gives_up_after_its_timeout(run_anyio: Any, ends: Any) -> None:
    send, recv = ends

    async def main() -> None:
        with pytest.raises(TimeoutError, match="timed out"):
            await interlane.aselect(recv, timeout=0.02)
        send.send(1)
        assert (await interlane.aselect(recv, timeout=0)).item == 1
        assert recv.statistics().waiting_receivers == 0

    run_anyio(main)
