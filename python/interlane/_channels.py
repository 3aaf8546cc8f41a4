"""`create_channel`: a function that can be subscripted with the type of the items."""

from typing import TYPE_CHECKING, Any, Generic, Literal, final

from interlane import _core

__all__ = ["create_channel"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from interlane._core import RecvChannel, SendChannel

    T = TypeVar("T", default=Any)

    # Only a class can be subscripted with any type there is.
    @final
    class create_channel(Generic[T]):  # noqa: N801
        """See below."""

        def __new__(  # type: ignore[misc]
            cls, capacity: int | None = None, *, fallback: Literal["pickle"] | None = None
        ) -> tuple[SendChannel[T], RecvChannel[T]]: ...

else:

    @final
    class _CreateChannel:
        """Creates a channel and returns its two ends: `send, recv = create_channel(capacity)`.

        `capacity` is the number of items that wait in the channel: `None` for any number, 0 for none (a send
        returns once its item was received), else at least 1. `fallback="pickle"` pickles what has no other
        way to be shared, where `NotShareableError` would be raised otherwise.

        `create_channel[int](3)` says what the items are, for type checkers; at run time it is the same.

        Raises `ValueError` for a negative capacity or an unknown fallback.

            send, recv = interlane.create_channel(64)
            send.send({"pixels": memoryview(frame)})    # the pixels are shared, not copied
            recv.recv()["pixels"]                       # in any interpreter, on any thread
        """

        def __init__(self) -> None:
            # What `help`, `inspect` and `pickle` look for in a function.
            self.__name__ = self.__qualname__ = "create_channel"
            self.__module__ = "interlane"
            self.__doc__ = type(self).__doc__

        def __call__(self, capacity=None, *, fallback=None):
            return _core.create_channel(capacity, fallback=fallback)

        def __getitem__(self, item):
            return self

        def __repr__(self) -> str:
            return "<function interlane.create_channel>"

        def __reduce__(self) -> str:
            return "create_channel"

    create_channel = _CreateChannel()
