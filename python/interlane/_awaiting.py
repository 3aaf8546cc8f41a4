"""`await` of what is proxied: it runs in an event loop of its own interpreter, and one of this waits for it.

The one there tells that it is done by closing a channel, which wakes the one here as any channel does.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from inspect import isawaitable
from typing import Any, final

from interlane._core import EndOfChannel, OwnerGoneError, RecvChannel, SendChannel, create_channel
from interlane._home_loop import is_ending, loop_for
from interlane._loop_waits import in_trio
from interlane._proxy import Proxy, do, local

__all__ = ["Running", "outcome"]


async def outcome(value: Proxy) -> Any:
    """Awaits it. Cancelled, it cancels that, and then goes by what comes of it, as every `await` does."""
    original = local(value)
    if original is not value:
        return await original
    send, recv = create_channel()
    with recv:
        with send:
            running = do(value, "start", send)
        cancelled = None
        while True:
            try:
                await _end_of(recv, shielded=cancelled is not None)
                break
            except BaseException as error:
                do(running, "cancel")
                if isinstance(error, (Exception, GeneratorExit, KeyboardInterrupt)):
                    raise
                cancelled = error
    try:
        return do(running, "result")
    except asyncio.CancelledError:
        if cancelled is not None:
            raise cancelled from None
        raise


async def _end_of(recv: RecvChannel[None], *, shielded: bool) -> None:
    if shielded and in_trio():  # where one who is cancelled could not wait at all
        from interlane import _trio_waits

        await _trio_waits.shielded(_end_of(recv, shielded=False))
        return
    with suppress(EndOfChannel):
        await recv.arecv()


@final
class Running:
    """In the owner: something that runs in a task, for somebody elsewhere. Dropped, it is cancelled."""

    __slots__ = ("__weakref__", "_cancelled", "_end", "_loop", "_task")

    def __init__(self, awaitable: Any, end: SendChannel[None]) -> None:
        self._end = end  # closed when it is over
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        if not isawaitable(awaitable):
            end.close()
            raise TypeError(f"'{type(awaitable).__name__}' object cannot be awaited")
        try:
            self._loop = loop_for(awaitable)
            self._loop.call_soon_threadsafe(self._begin, awaitable)
        except BaseException:
            end.close()
            raise

    def _begin(self, awaitable: Awaitable[Any]) -> None:
        coroutine = awaitable if asyncio.iscoroutine(awaitable) else _await(awaitable)
        task = self._task = self._loop.create_task(coroutine)
        _tasks.add(task)  # a loop itself would forget it
        task.add_done_callback(_tasks.discard)
        end = self._end  # and not `self`: see `__del__`
        task.add_done_callback(lambda _: end.close())

    def cancel(self) -> None:
        """Has the task cancelled, whatever it makes of it."""
        self._cancelled = True
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def result(self) -> Any:
        """Returns or raises what came of it, which is over."""
        task = self._task
        if task is None or (task.cancelled() and not self._cancelled and is_ending()):
            raise OwnerGoneError("the event loop in which it ran has ended, with its interpreter")
        return task.result()

    def __del__(self) -> None:
        task = self._task
        if task is None:
            self._end.close()
        elif not (task.done() or self._cancelled):  # who is cancelled again cannot clean up
            try:
                self._loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # the loop is closed, and nothing of it will run
                self._end.close()


_tasks: set[asyncio.Task[Any]] = set()


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
