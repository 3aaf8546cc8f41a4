"""`create_channel`: a function that can be subscripted with the type of the items."""

from interlane import _core

__all__ = ["create_channel"]

# Not typing's: importing that would take longer than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, Literal, final

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

    class create_channel:  # noqa: N801
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

        __slots__ = ()
        # types.GenericAlias
        __class_getitem__ = classmethod(type(list[int]))

        def __new__(cls, capacity=None, *, fallback=None):
            return _core.create_channel(capacity, fallback=fallback)

    create_channel.__module__ = "interlane"
