"""Channels as PEP 554 had them and CPython keeps them in `test.support.channels`, without the polling.

    from interlane.compat import channels

    recv, send = channels.create()          # the other way round than interlane.create_channel()
    send.send_nowait("spam")                # queues it
    send.send("eggs", timeout=0.5)          # returns when it was received

A channel lives as long as any interpreter has an object for one of its ends. For new code,
`interlane.create_channel` has bounded channels, `select` and asyncio.
"""

from typing import Any, ClassVar, NamedTuple, Self, final

from interlane import _core
from interlane._core import ChannelError as _Refused
from interlane.compat import _unbound
from interlane.compat._unbound import UNBOUND_ERROR, UNBOUND_REMOVE

try:
    from _interpchannels import (
        ChannelClosedError,
        ChannelEmptyError,
        ChannelError,
        ChannelNotEmptyError,
        ChannelNotFoundError,
    )
except ImportError:  # before 3.13, or a Python without it

    class ChannelError(RuntimeError):  # type: ignore[no-redef]  # in place of it
        """Something is wrong with a channel."""

    class ChannelNotFoundError(ChannelError):  # type: ignore[no-redef]  # as above
        """There is no channel with this id."""

    class ChannelClosedError(ChannelError):  # type: ignore[no-redef]  # as above
        """The channel is closed."""

    class ChannelEmptyError(ChannelError):  # type: ignore[no-redef]  # as above
        """Nothing is in the channel."""

    class ChannelNotEmptyError(ChannelError):  # type: ignore[no-redef]  # as above
        """The channel cannot be closed: something is still in it."""


__all__ = [
    "UNBOUND",
    "UNBOUND_ERROR",
    "UNBOUND_REMOVE",
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelID",
    "ChannelNotEmptyError",
    "ChannelNotFoundError",
    "ItemInterpreterDestroyed",
    "RecvChannel",
    "SendChannel",
    "create",
    "list_all",
]

UNBOUND = _unbound.UNBOUND_IN_CHANNEL
_KIND = 2
# What becomes of a channel; the extension takes it from one to a later one only.
_OPEN, _CLOSING, _CLOSED = range(3)
_NOTHING: Any = object()


class ItemInterpreterDestroyed(ChannelError):  # noqa: N818 - the standard library's name
    """The interpreter that sent the item has ended, and had asked for this error."""


class ChannelID(int):
    """The number of a channel, the same in every interpreter."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"ChannelID({int(self)})"

    __str__ = int.__repr__


class _Handles(NamedTuple):
    """Both ends of what plays the channel: it exists, and keeps its items, as long as there are any."""

    send: "_core.SendChannel[Any]"
    recv: "_core.RecvChannel[Any]"
    unbound: int


class _End:
    """What the two ends have in common."""

    __slots__ = ("__weakref__", "_handles", "_id")
    _side: ClassVar[int]

    _id: ChannelID
    _handles: _Handles | None

    def __new__(cls, cid: int) -> Self:
        if not isinstance(cid, int):
            raise TypeError(f"channel ID must be an int, got {type(cid).__name__}")
        if cid < 0:
            raise ValueError(f"channel ID must be a non-negative int, got {cid}")
        self = object.__new__(cls)
        self._id = ChannelID(cid)
        # As in CPython, an end can be made of any number, and fails when it is used.
        found = _core._mailbox_open(_KIND, cid)  # noqa: SLF001 - ours
        self._handles = None if found is None else _Handles(*found[:3])
        return self

    def __del__(self) -> None:
        handles = getattr(self, "_handles", None)
        if handles is not None:
            handles.send.close()
            handles.recv.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={int(self._id)})"

    def __hash__(self) -> int:
        return hash(self._id)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return other._id == self._id

    def __share__(self) -> tuple[Any, tuple[Any, ...]]:
        # The ends keep the channel on its way.
        keep = () if self._handles is None else (self._handles.send, self._handles.recv)
        return _arrive, (self._side, int(self._id), *keep)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (int(self._id),)

    def _open(self) -> _Handles:
        if self._handles is None:
            raise ChannelNotFoundError(f"channel {int(self._id)} not found")
        return self._handles

    def _state(self) -> int:
        return _core._mailbox_state(self._open().send)  # noqa: SLF001 - ours

    def _close(self, state: int) -> None:
        handles = self._open()
        if _core._mailbox_state(handles.send, state) == _OPEN:  # noqa: SLF001 - ours
            _core._mailbox_end(handles.send)  # noqa: SLF001 - ours

    @property
    def id(self) -> ChannelID:
        """The channel's number."""
        return self._id

    @property
    def is_closed(self) -> bool:
        """Whether the channel is closed."""
        return self._state() == _CLOSED


def _count(end: _End) -> int:
    """Returns how many items are in the channel; the mark that nothing follows is none."""
    handles = end._open()  # noqa: SLF001 - ours
    return len(handles.recv) - (_core._mailbox_state(handles.send) != _OPEN)  # noqa: SLF001 - ours


@final
class RecvChannel(_End):
    """The end of a channel that items come out of."""

    __slots__ = ()
    _side = 0

    def recv(self, timeout: float | None = None) -> Any:
        """Returns the next object, waiting for it; raises `TimeoutError` after `timeout` seconds.

        Raises `ChannelClosedError` when the channel is closed and empty, and `ItemInterpreterDestroyed` as
        the sender has wished.
        """
        handles = self._open()
        try:
            item = handles.recv.recv(timeout)
        except _Refused:
            raise self._closed() from None
        return self._received(handles, item)

    def recv_nowait(self, default: Any = _NOTHING) -> Any:
        """Returns the next object, or the default; without one, raises `ChannelEmptyError`."""
        handles = self._open()
        try:
            item = handles.recv.recv_nowait(_NOTHING)
        except _Refused:
            raise self._closed() from None
        if item is not _NOTHING:
            return self._received(handles, item)
        if default is _NOTHING:
            raise ChannelEmptyError(f"channel {int(self._id)} is empty")
        return default

    def _received(self, handles: _Handles, item: Any) -> Any:
        if type(item) is not _unbound.Lost:
            return item
        if item.number == _unbound.CLOSED:
            # The mark that nothing follows: others are to find it too.
            _core._mailbox_state(handles.send, _CLOSED)  # noqa: SLF001 - ours
            _core._mailbox_end(handles.send)  # noqa: SLF001 - ours
            raise self._closed()
        if _unbound.meaning(item.number, UNBOUND) is UNBOUND_ERROR:
            raise ItemInterpreterDestroyed("item's original interpreter destroyed")
        return UNBOUND

    def _closed(self) -> ChannelClosedError:
        return ChannelClosedError(f"channel {int(self._id)} is closed")

    def close(self) -> None:
        """Closes both ends, in all interpreters; raises `ChannelNotEmptyError` if there are items."""
        if self._state() == _CLOSED:
            raise self._closed()
        if _count(self):
            raise ChannelNotEmptyError(f"channel {int(self._id)} may not be closed: it is not empty")
        self._close(_CLOSED)


@final
class SendChannel(_End):
    """The end of a channel that items go in at."""

    __slots__ = ()
    _side = 1

    @property
    def unbounditems(self) -> Any:
        """What becomes of items whose interpreter has ended."""
        return _unbound.meaning(self._open().unbound, UNBOUND)

    @property
    def is_closed(self) -> bool:
        """Whether the channel is closed, or will be once it is empty."""
        return self._state() != _OPEN

    def send(self, obj: object, timeout: float | None = None, *, unbounditems: Any = None) -> None:
        """Sends an object and returns when it was received; raises `TimeoutError` after `timeout` seconds.

        After an error the object is not in the channel. `unbounditems` is as for `queues.Queue.put`.
        """
        self._put(obj, unbounditems, timeout, receipt=True)

    def send_nowait(self, obj: object, *, unbounditems: Any = None) -> None:
        """Puts an object into the channel, which holds any number."""
        self._put(obj, unbounditems, 0, receipt=False)

    def send_buffer(self, obj: Any, timeout: float | None = None, *, unbounditems: Any = None) -> None:
        """Sends the memory of a buffer exporter, as `send`: a `memoryview` arrives, writable if it is."""
        self._put(memoryview(obj), unbounditems, timeout, receipt=True)

    def send_buffer_nowait(self, obj: Any, *, unbounditems: Any = None) -> None:
        """As `send_buffer`, without waiting."""
        self._put(memoryview(obj), unbounditems, 0, receipt=False)

    def _put(self, obj: object, unbounditems: Any, timeout: float | None, *, receipt: bool) -> None:
        unbound = _unbound.DEFAULT if unbounditems is None else _unbound.number(unbounditems, UNBOUND)
        handles = self._open()
        try:
            if self._state() == _OPEN:
                _core._mailbox_put(handles.send, obj, unbound, timeout, receipt)  # noqa: SLF001 - ours
                return
        except _Refused:
            pass  # nobody will receive it
        raise ChannelClosedError(f"channel {int(self._id)} is closed")

    def close(self) -> None:
        """Closes this end, in all interpreters, and the other one once the channel is empty."""
        if self._state() != _OPEN:
            raise ChannelClosedError(f"channel {int(self._id)} is closed")
        self._close(_CLOSING if _count(self) else _CLOSED)


def create(*, unbounditems: Any = UNBOUND) -> tuple[RecvChannel, SendChannel]:
    """Creates a channel and returns its ends, the receiving one first.

    `unbounditems` says what becomes of items whose interpreter has ended, unless a send says otherwise.
    """
    unbound = _unbound.number(unbounditems, UNBOUND)
    ends = _core._mailbox_create(_KIND, unbound, 0)  # noqa: SLF001 - ours
    return RecvChannel(ends[0].id), SendChannel(ends[0].id)


def list_all() -> list[tuple[RecvChannel, SendChannel]]:
    """Returns the ends of all open channels, in the order in which they were created."""
    open_ones = [cid for cid, state in _core._mailbox_list(_KIND) if state != _CLOSED]  # noqa: SLF001 - ours
    return [(RecvChannel(cid), SendChannel(cid)) for cid in open_ones]


def _arrive(side: int, cid: int, *keep: Any) -> RecvChannel | SendChannel:
    arrived = SendChannel(cid) if side == SendChannel._side else RecvChannel(cid)  # noqa: SLF001 - ours
    for handle in keep:
        handle.close()
    return arrived


_core._carry(RecvChannel)  # noqa: SLF001 - ours
_core._carry(SendChannel)  # noqa: SLF001 - ours
