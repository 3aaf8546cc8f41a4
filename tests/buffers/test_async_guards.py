"""`async with buf.reading()` and `writing()`: as the others, for tasks instead of threads."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import interlane
import pytest
from interlane import BufferBusyError, SharedBuffer, interpreters

type RunLoop = Callable[[Coroutine[Any, Any, Any]], Any]


def guards() -> Any:
    (it,) = (it for it in interlane.inspect().locks if it.kind == "SharedBuffer")
    return it


def test_tasks_read_together_and_write_alone(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8, "q")

    async def add(times: int) -> None:
        for _ in range(times):
            async with buf.writing() as view:
                seen = view[0]
                await asyncio.sleep(0)
                view[0] = seen + 1

    async def main() -> None:
        async with buf.reading() as one, asyncio.TaskGroup() as group:

            async def read() -> None:
                async with buf.reading(timeout=0) as two:
                    assert two.readonly
                    assert (one[0], two[0]) == (0, 0)

            group.create_task(read())
        await asyncio.gather(*(add(20) for _ in range(5)))
        assert buf[0] == 100
        with pytest.raises(ValueError):  # noqa: PT011 - it says which
            one[0]

    run_loop(main())


def test_a_guard_is_awaited_while_a_thread_has_it(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8)
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with buf.writing():
            held.set()
            go.wait(60)

    async def main() -> None:
        thread = threading.Thread(target=hold)
        thread.start()
        await asyncio.to_thread(held.wait)

        async def write() -> int:
            async with buf.writing() as view:
                view[0] = 7
                return int(view[0])

        task = asyncio.ensure_future(write())
        await asyncio.sleep(0.02)
        assert not task.done()
        assert guards().waiting == 1
        go.set()
        assert await task == 7
        thread.join()

    run_loop(main())


def test_across_interpreters(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8, "q")
    worker = interpreters.create()
    worker.exec("import asyncio")
    worker.prepare_main(buf=buf)
    code = """
async def main():
    for _ in range(200):
        async with buf.writing() as view:
            view[0] += 1
asyncio.run(main())
"""

    async def main() -> None:
        async def add() -> None:
            for _ in range(200):
                async with buf.writing(timeout=50) as view:
                    view[0] += 1

        await asyncio.gather(asyncio.to_thread(worker.exec, code), add(), add())

    run_loop(main())
    assert buf[0] == 600
    worker.close()


def test_a_timeout_is_a_busy_error(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8)

    async def main() -> None:
        with buf.reading():
            for timeout in (0, 0.01):
                with pytest.raises(BufferBusyError, match="by 1 readers"):
                    async with buf.writing(timeout=timeout):
                        pass
            assert guards().waiting == 0
        async with buf.writing(timeout=0):
            with pytest.raises(BufferBusyError, match="by a task"):
                await asyncio.create_task(read(buf))

    async def read(buf: SharedBuffer) -> None:
        async with buf.reading(timeout=0.01):
            pass

    run_loop(main())


def test_a_task_that_would_wait_for_itself_is_told(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8)

    async def main() -> None:
        async with buf.reading(), buf.reading():  # again and again
            with pytest.raises(BufferBusyError, match="by this task itself"):
                async with buf.writing():
                    pass

    run_loop(main())


def test_cancelled_it_has_nothing_and_holds_nobody_up(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8)

    async def use(guard: Any) -> str:
        async with guard:
            return "in"

    async def main() -> None:
        async with buf.reading():
            writer = asyncio.ensure_future(use(buf.writing()))
            await asyncio.sleep(0)
            reader = asyncio.ensure_future(use(buf.reading()))
            await asyncio.sleep(0.01)
            assert not reader.done()  # behind the writer
            writer.cancel()
            assert await reader == "in"
            with pytest.raises(asyncio.CancelledError):
                await writer
        # Cancelled just when it comes.
        guard = buf.writing()
        await guard.__aenter__()
        writer = asyncio.ensure_future(use(buf.writing()))
        await asyncio.sleep(0.01)
        await guard.__aexit__(None, None, None)
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
        assert await use(buf.writing(timeout=0)) == "in"

    run_loop(main())


def test_an_exception_ends_the_guard_and_exports_keep_it(run_loop: RunLoop) -> None:
    buf = SharedBuffer(8)

    async def main() -> None:
        with pytest.raises(KeyError):
            async with buf.writing():
                raise KeyError
        guard = buf.reading()
        kept = memoryview(await guard.__aenter__())
        with pytest.raises(BufferError, match="still exported"):
            await guard.__aexit__(None, None, None)
        kept.release()
        async with buf.writing(timeout=0):
            pass
        with pytest.raises(RuntimeError, match="not entered"):
            await guard.__aexit__(None, None, None)

    run_loop(main())


def test_an_interpreter_that_ends_gives_up_its_place_and_its_guard() -> None:
    buf = SharedBuffer(8)
    worker = interpreters.create()
    worker.prepare_main(buf=buf)
    worker.exec("""
import asyncio
async def main():
    global kept
    kept = buf.reading()
    await kept.__aenter__()
    async def write():
        async with buf.writing(): pass

    asyncio.ensure_future(write())
    await asyncio.sleep(0.01)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
""")
    assert guards().waiting == 1
    worker.close()
    with buf.writing(timeout=50):
        pass


def test_in_trio() -> None:
    trio = pytest.importorskip("trio")
    buf = SharedBuffer(8, "q")

    async def add() -> None:
        for _ in range(20):
            async with buf.writing() as view:
                seen = view[0]
                await trio.lowlevel.checkpoint()
                view[0] = seen + 1

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(add)
        with buf.reading():
            with pytest.raises(BufferBusyError):
                async with buf.writing(timeout=0.01):
                    pass
            with trio.move_on_after(0.01) as scope:
                async with buf.writing():
                    pass
            assert scope.cancelled_caught
        async with buf.writing(timeout=1):
            pass

    trio.run(main)
    assert buf[0] == 100
