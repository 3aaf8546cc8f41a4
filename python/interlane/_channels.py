"""`create_channel`: a function that can be subscripted with the type of the items."""

from typing import Any, Literal, final

from interlane import _core
from interlane._core import RecvChannel, SendChannel

__all__ = ["create_channel"]


@final
class _CreateChannel:
    """Creates a channel and returns its two ends: `send, recv = create_channel(capacity)`.

    `capacity` is the number of items that wait in the channel: `None` for any number, 0 for none (a send
    returns once its item was received), else at least 1. `fallback="pickle"` pickles what has no other way
    to be shared, where `NotShareableError` would be raised otherwise.

    `create_channel[int](3)` says what the items are, for type checkers; at run time it is the same.

    Raises `ValueError` for a negative capacity or an unknown fallback.

        send, recv = interlane.create_channel(64)
        send.send({"pixels": memoryview(frame)})    # the pixels are shared, not copied
        recv.recv()["pixels"]                       # in any interpreter, on any thread
    """

    __slots__ = ("__dict__",)

    def __init__(self) -> None:
        # What `help` and `inspect` look for in a function.
        self.__name__ = self.__qualname__ = "create_channel"
        self.__module__ = "interlane"
        self.__doc__ = type(self).__doc__

    def __call__(
        self, capacity: int | None = None, *, fallback: Literal["pickle"] | None = None
    ) -> tuple[SendChannel[Any], RecvChannel[Any]]:
        return _core.create_channel(capacity, fallback=fallback)

    def __getitem__[T](self, item: type[T]) -> "_CreateTyped[T]":
        return _CreateTyped()

    def __repr__(self) -> str:
        return "<function interlane.create_channel>"

    def __reduce__(self) -> str:
        return "create_channel"


@final
class _CreateTyped[T]:
    """What `create_channel[T]` is."""

    __slots__ = ()

    def __call__(
        self, capacity: int | None = None, *, fallback: Literal["pickle"] | None = None
    ) -> tuple[SendChannel[T], RecvChannel[T]]:
        """Creates a channel whose items are of this type; see `create_channel`."""
        return _core.create_channel(capacity, fallback=fallback)


create_channel = _CreateChannel()
