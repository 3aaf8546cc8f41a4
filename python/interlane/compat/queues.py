"""Queues between interpreters as `concurrent.interpreters` has them (PEP 734), without its polling.

    from interlane.compat import queues

    tasks = queues.create(maxsize=100)
    interp.prepare_main(tasks=tasks)        # or queues.Queue(tasks.id) in the other interpreter
    tasks.put({"page": 7}, timeout=0.25)

Items go as through any channel of interlane, with pickle for what cannot be shared. As in the standard
library, a `memoryview` arrives as one of the same memory, and any other buffer as a copy.
"""

import queue
import weakref
from typing import Any, final

from interlane import _core
from interlane._core import BrokenChannel, ChannelError, ClosedError
from interlane.compat import _unbound
from interlane.compat._unbound import UNBOUND_ERROR, UNBOUND_REMOVE

try:
    from _interpqueues import QueueError, QueueNotFoundError
except ImportError:  # before 3.13, or a Python without it

    class QueueError(RuntimeError):  # type: ignore[no-redef]  # in place of it
        """Something is wrong with a queue."""

    class QueueNotFoundError(QueueError):  # type: ignore[no-redef]  # as above
        """There is no queue with this id."""


__all__ = [
    "UNBOUND",
    "UNBOUND_ERROR",
    "UNBOUND_REMOVE",
    "ItemInterpreterDestroyed",
    "Queue",
    "QueueEmpty",
    "QueueError",
    "QueueFull",
    "QueueNotFoundError",
    "create",
    "list_all",
]

UNBOUND = _unbound.UNBOUND_IN_QUEUE
_KIND = 1


class QueueEmpty(QueueError, queue.Empty):  # noqa: N818 - the standard library's name
    """Nothing is in the queue, and nothing came in time."""


class QueueFull(QueueError, queue.Full):  # noqa: N818 - the standard library's name
    """The queue has as many items as it takes, and no room was made in time."""


class ItemInterpreterDestroyed(QueueError):  # noqa: N818 - the standard library's name
    """The interpreter that put the item has ended, and had asked for this error."""


def create(maxsize: int = 0, *, unbounditems: Any = UNBOUND) -> "Queue":
    """Creates a queue for at most `maxsize` items; 0 or less is for any number.

    `unbounditems` says what becomes of items whose interpreter has ended, unless `Queue.put` says otherwise.
    """
    if not isinstance(maxsize, int):
        raise TypeError(f"maxsize must be an int, got {maxsize!r}")
    unbound = _unbound.number(unbounditems, UNBOUND)
    ends = _core._mailbox_create(_KIND, unbound, maxsize)  # noqa: SLF001 - ours
    return Queue(ends[0].id)


def list_all() -> "list[Queue]":
    """Returns the queues that exist, in the order in which they were created."""
    queues = []
    for id, _ in _core._mailbox_list(_KIND):  # noqa: A001, SLF001 - the standard library's word; ours
        try:
            queues.append(Queue(id))
        except QueueNotFoundError:  # gone meanwhile
            continue
    return queues


# No object in here may have a `__del__`: while that runs, another thread may still get the object from here.
_known: "weakref.WeakValueDictionary[int, Queue]" = weakref.WeakValueDictionary()


class _Ends:
    """Closes the ends when the queue that they belong to has gone."""

    __slots__ = ("recv", "send")

    def __init__(self, send: "_core.SendChannel[Any]", recv: "_core.RecvChannel[Any]") -> None:
        self.send = send
        self.recv = recv

    def __del__(self) -> None:
        self.send.close()
        self.recv.close()


@final
class Queue:
    """A queue between interpreters. It lives as long as any interpreter has an object for it."""

    __slots__ = ("__weakref__", "_ends", "_maxsize", "_unbound")

    _ends: _Ends
    _unbound: int
    _maxsize: int

    def __new__(cls, id: int, /) -> "Queue":  # noqa: A002 - the standard library's word
        """Returns this interpreter's object for the queue with this id; raises `QueueNotFoundError`."""
        if not isinstance(id, int):
            raise TypeError(f"id must be an int, got {id!r}")
        known = _known.get(id)
        if known is not None:
            return known
        found = _core._mailbox_open(_KIND, id)  # noqa: SLF001 - ours
        if found is None:
            raise QueueNotFoundError(f"queue {id} not found")
        self = super().__new__(cls)
        send, recv, self._unbound, self._maxsize = found
        self._ends = _Ends(send, recv)
        return _known.setdefault(int(id), self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __share__(self) -> tuple[Any, tuple[Any, ...]]:
        # The ends keep the queue on its way.
        return _arrive, (self._ends.send, self._ends.recv)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id,)

    @property
    def id(self) -> int:
        """The queue's number, the same in every interpreter."""
        return self._ends.send.id

    @property
    def unbounditems(self) -> Any:
        """What becomes of items whose interpreter has ended."""
        return _unbound.meaning(self._unbound, UNBOUND)

    @property
    def maxsize(self) -> int:
        """How many items it takes; 0 or less: any number."""
        return self._maxsize

    def empty(self) -> bool:
        """Tells whether nothing is in it at this moment."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Tells whether it takes no more at this moment."""
        return 0 < self._maxsize <= self.qsize()

    def qsize(self) -> int:
        """Returns how many items are in it at this moment."""
        return len(self._ends.send)

    def put(
        self, obj: object, block: bool = True, timeout: float | None = None, *, unbounditems: Any = None
    ) -> None:
        """Puts an object into the queue, waiting at most `timeout` seconds for room.

        `unbounditems` says what becomes of the item when this interpreter ends first: with `UNBOUND`, that
        arrives; with `UNBOUND_ERROR`, `get` raises `ItemInterpreterDestroyed`; with `UNBOUND_REMOVE`, the
        item goes. Raises `QueueFull`, and `NotShareableError` for what can be neither shared nor pickled.
        """
        unbound = _unbound.DEFAULT if unbounditems is None else _unbound.number(unbounditems, UNBOUND)
        send = self._ends.send
        try:
            _core._mailbox_put(send, obj, unbound, timeout if block else 0, False)  # noqa: SLF001 - ours
        except TimeoutError:
            raise QueueFull(f"queue {self.id} is full ({self.maxsize} items)") from None
        except (ClosedError, BrokenChannel):
            raise QueueNotFoundError(f"queue {self.id} not found") from None

    def put_nowait(self, obj: object, *, unbounditems: Any = None) -> None:
        """Puts an object into the queue, or raises `QueueFull`."""
        self.put(obj, False, unbounditems=unbounditems)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Returns the next object, waiting at most `timeout` seconds for it; raises `QueueEmpty`."""
        try:
            item = self._ends.recv.recv(timeout if block else 0)
        except TimeoutError:
            raise QueueEmpty(f"queue {self.id} is empty") from None
        except ChannelError:
            raise QueueNotFoundError(f"queue {self.id} not found") from None
        if type(item) is not _unbound.Lost:
            return item
        if _unbound.meaning(item.number, UNBOUND) is UNBOUND_ERROR:
            raise ItemInterpreterDestroyed("item's original interpreter destroyed")
        return UNBOUND

    def get_nowait(self) -> Any:
        """Returns the next object, or raises `QueueEmpty`."""
        return self.get(False)


def _arrive(send: "_core.SendChannel[Any]", recv: "_core.RecvChannel[Any]") -> Queue:
    with send, recv:
        return Queue(send.id)


_core._carry(Queue)  # noqa: SLF001 - ours
