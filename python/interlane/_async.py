"""Channels in asyncio. What can be done at once is done without the loop; see `_loop_waits` for the rest."""

from typing import Any

from interlane import _core
from interlane._core import ChannelError, EndOfChannel, RecvChannel, Selected, SendChannel
from interlane._loop_waits import outcome

__all__ = ["aselect"]

_NOTHING = object()

# Seconds, which event loops can count.
_FOR_EVER = 1e9


async def asend(end: SendChannel[Any], item: object) -> None:
    """See SendChannel.asend."""
    done = _core._attempt((end, item))  # noqa: SLF001
    if not isinstance(done, tuple):
        await outcome(done)


async def arecv(end: RecvChannel[Any]) -> Any:
    """See RecvChannel.arecv."""
    item = end.recv_nowait(_NOTHING)
    if item is not _NOTHING:
        return item
    done = _core._attempt(end)  # noqa: SLF001
    if not isinstance(done, tuple):
        done = await outcome(done)
    return done[1]


async def next_item(end: RecvChannel[Any]) -> Any:
    try:
        return await arecv(end)
    except EndOfChannel:
        raise StopAsyncIteration from None


async def aenter(end: SendChannel[Any] | RecvChannel[Any]) -> object:
    return end.__enter__()


async def aexit(end: SendChannel[Any] | RecvChannel[Any]) -> None:
    end.close()


async def aselect(
    *ops: RecvChannel[Any] | tuple[SendChannel[Any], Any],
    timeout: float | None = None,  # noqa: ASYNC109 - as in select
) -> Selected:
    """Does one of several operations, awaiting until one is possible: `select` for coroutines.

    An operation is a `RecvChannel` or a tuple `(SendChannel, item)`. Returns `Selected(index, end, item)`.
    The others leave no trace. Cancelled, it has received nothing; whether it has sent something is in the
    attribute `sent` of the `CancelledError`.

    Raises what `select` does: `TimeoutError` after `timeout` seconds, in which nothing was done.
    """
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout must not be negative, got {timeout}")
    if timeout is not None and timeout > _FOR_EVER:
        timeout = None
    try:
        done = _core._attempt(*ops)  # noqa: SLF001
        index, item = done if isinstance(done, tuple) else await outcome(done, timeout)
    except ChannelError as error:
        place: int | None = getattr(error, "index", None)
        if place is not None:
            error.end = _end_of(ops[place])  # type: ignore[attr-defined]  # told in this attribute
        raise
    return _core.Selected((index, _end_of(ops[index]), item))


def _end_of(op: RecvChannel[Any] | tuple[SendChannel[Any], Any]) -> RecvChannel[Any] | SendChannel[Any]:
    return op[0] if isinstance(op, tuple) else op


aselect.__module__ = "interlane"
