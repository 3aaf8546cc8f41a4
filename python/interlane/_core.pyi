"""The extension: channels, sharing and the types that live in shared memory."""

from collections.abc import Buffer, Callable, Iterable
from types import GenericAlias, TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, final, overload

from _typeshed import structseq

_T_co = TypeVar("_T_co", covariant=True)

@final
class SendChannel[T]:
    """The end of a channel that takes items in; dropped, it closes."""

    @property
    def id(self) -> int:
        """The channel's number, the same for both ends and in every interpreter."""

    @property
    def capacity(self) -> int | None:
        """How many items may wait in the channel; None for any number."""

    @property
    def closed(self) -> bool:
        """Whether this handle was closed."""

    @classmethod
    def from_id(cls, id: int, /) -> SendChannel[Any]:
        """Opens another handle; raises ChannelNotFoundError."""

    def send(self, item: T, /, timeout: float | None = None) -> None:
        """Sends an item, waiting for room.

        Raises TimeoutError after so many seconds, BrokenChannel when nobody is left to receive it,
        NotShareableError and ClosedError. Whenever it raises, nothing has been sent.
        """

    def send_nowait(self, item: T, /) -> None:
        """Sends an item if there is room, else raises ChannelFull."""

    def send_many(self, items: Iterable[T], /, timeout: float | None = None) -> int:
        """Sends the items in order and returns how many went."""

    def send_buffer(self, obj: Buffer, /, timeout: float | None = None) -> None:
        """Sends the memory of a buffer exporter without a copy; it arrives as a read-only memoryview."""

    def clone(self) -> Self:
        """Opens another handle on the same end."""

    def close(self) -> None:
        """Closes this handle; closing it twice is harmless."""

    def statistics(self) -> Statistics:
        """Returns the channel's figures at this moment."""

    def __len__(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class RecvChannel(Generic[_T_co]):  # noqa: UP046  # a list of them makes it look invariant
    """The end of a channel that gives items out; dropped, it closes."""

    @property
    def id(self) -> int:
        """The channel's number, the same for both ends and in every interpreter."""

    @property
    def capacity(self) -> int | None:
        """How many items may wait in the channel; None for any number."""

    @property
    def closed(self) -> bool:
        """Whether this handle was closed."""

    @classmethod
    def from_id(cls, id: int, /) -> RecvChannel[Any]:
        """Opens another handle; raises ChannelNotFoundError."""

    def recv(self, timeout: float | None = None) -> _T_co:
        """Receives the next item, waiting for one.

        Raises TimeoutError after so many seconds, EndOfChannel when no more can come, and ClosedError.
        """

    @overload
    def recv_nowait(self, /) -> _T_co:
        """Receives the next item if there is one, else returns the default or raises ChannelEmpty."""

    @overload
    def recv_nowait[D](self, default: D, /) -> _T_co | D: ...
    def recv_many(self, max_items: int | None = None, timeout: float | None = None) -> list[_T_co]:
        """Waits for one item and returns it with those behind it, `max_items` at most."""

    def clone(self) -> Self:
        """Opens another handle on the same end."""

    def close(self) -> None:
        """Closes this handle; closing it twice is harmless."""

    def statistics(self) -> Statistics:
        """Returns the channel's figures at this moment."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _T_co: ...
    def __len__(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class SharedStr(str):
    """A str whose characters are the same memory in every interpreter."""

    def __new__(cls, text: str = "", /) -> Self: ...

@final
class _Area:
    """Exports the shared memory behind a memoryview that arrived."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Share(Generic[_T_co]):  # noqa: UP046  # as RecvChannel
    """One counted hold on an object that an interpreter has shared; dropped, it is given up."""

    @property
    def id(self) -> int:
        """The share's number, never used twice in a process."""

    @property
    def owner(self) -> int:
        """The id of the interpreter that owns the object."""

    @property
    def holders(self) -> int:
        """How many hold the share now, in all interpreters and on the way between them."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the share exposes, all areas together."""

    @property
    def areas(self) -> tuple[memoryview, ...]:
        """The memory that the share exposes; each view keeps the share."""

    @property
    def closed(self) -> bool:
        """Whether this hold was given up."""

    def get(self) -> _T_co:
        """Returns the value for this interpreter: the object itself in its owner.

        Raises ClosedError, and ImportError when what rebuilds the value cannot be imported here.
        """

    def close(self) -> None:
        """Gives up this hold; closing it twice is harmless."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class _Remote:
    """What stands behind a Proxy."""

    @property
    def owner(self) -> int: ...
    @property
    def kind(self) -> str: ...
    def perform(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any: ...
    def local(self) -> Any: ...

@final
class ShareRecord(
    structseq[int | str | float | dict[int, int]],
    tuple[int, int, str, int, dict[int, int], float, int, str],
):
    """One share at one moment."""

    __match_args__ = ("id", "owner", "type", "nbytes", "holders", "age", "in_transit", "state")

    @property
    def id(self) -> int:
        """The share's number, never used twice in a process."""

    @property
    def owner(self) -> int:
        """The id of the interpreter that owns the object."""

    @property
    def type(self) -> str:
        """The name of the object's class."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the share exposes."""

    @property
    def holders(self) -> dict[int, int]:
        """How many objects hold it, by the id of their interpreter."""

    @property
    def age(self) -> float:
        """Seconds since it was made."""

    @property
    def in_transit(self) -> int:
        """How many are on their way in channels."""

    @property
    def state(self) -> Literal["live", "pending", "orphaned"]:
        """Whether it is in use, waits to be released, or has outlived its owner."""

@final
class Statistics(structseq[int | None], tuple[int, int | None, int, int, int, int, int, int]):
    """A channel's figures at one moment."""

    __match_args__ = (
        "buffered",
        "capacity",
        "open_senders",
        "open_receivers",
        "waiting_senders",
        "waiting_receivers",
        "sent",
        "received",
    )

    @property
    def buffered(self) -> int:
        """Items sent and not yet received."""

    @property
    def capacity(self) -> int | None:
        """How many may wait; None for any number."""

    @property
    def open_senders(self) -> int:
        """Open handles on the sending end."""

    @property
    def open_receivers(self) -> int:
        """Open handles on the receiving end."""

    @property
    def waiting_senders(self) -> int:
        """Calls that wait for room."""

    @property
    def waiting_receivers(self) -> int:
        """Calls that wait for an item."""

    @property
    def sent(self) -> int:
        """Items sent since the channel was made."""

    @property
    def received(self) -> int:
        """Items received since the channel was made."""

@final
class Stats(
    structseq[int | float | None],
    tuple[int, int, int, int, int, int, int, float | None],
):
    """Counters of all shares in the process, at one moment."""

    __match_args__ = (
        "live",
        "created",
        "released",
        "pending",
        "orphaned",
        "nbytes",
        "entries",
        "oldest_pending",
    )

    @property
    def live(self) -> int:
        """Shares that somebody holds, or whose release waits."""

    @property
    def created(self) -> int:
        """Shares ever made."""

    @property
    def released(self) -> int:
        """Shares released in their owner."""

    @property
    def pending(self) -> int:
        """Shares that nobody holds, whose owner has not released them yet."""

    @property
    def orphaned(self) -> int:
        """Shares whose owner ended first."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that live shares expose."""

    @property
    def entries(self) -> int:
        """How often an owner was entered to run its releases."""

    @property
    def oldest_pending(self) -> float | None:
        """Seconds for which the oldest release has waited; None if none waits."""

def create_channel(
    capacity: int | None = None, *, fallback: Literal["pickle"] | None = None
) -> tuple[SendChannel[Any], RecvChannel[Any]]:
    """Creates a channel and returns its two ends."""

def share[T](
    obj: T, /, *, writable: bool = False, on_release: Callable[[T], object] | None = None
) -> Share[T]:
    """Acquires the object's memory, pins it, and returns a Share of it."""

def is_shareable(obj: object, /) -> bool:
    """Tells whether the object, with everything in it, can be shared without pickling."""

def explain(obj: object, /) -> str | None:
    """Returns why the object can't be shared, with the path to the part that can't; None if it can."""

def register[T](
    cls: type[T], share_function: Callable[[T], tuple[Callable[..., object], tuple[object, ...]]], /
) -> None:
    """Says how instances of a class, and of its subclasses, are shared in this interpreter."""

def unregister(cls: type, /) -> None:
    """Forgets what was registered for the class; raises KeyError when nothing was."""

def shares(owner: int | None = None) -> list[ShareRecord]:
    """Returns a record of each share of the process, or of one owner's, by its interpreter id."""

def wait_released(timeout: float | None = None) -> None:
    """Waits until no other interpreter, and no channel, holds anything of this one.

    Raises TimeoutError after so many seconds.
    """

def stats() -> Stats:
    """Returns the counters of all shares in the process."""

def collect() -> int:
    """Runs the releases that wait for the current interpreter and returns how many."""

def get_share_threshold() -> int:
    """Returns the size in bytes from which str and bytes are shared and not copied: 4096 unless set."""

def set_share_threshold(nbytes: int, /) -> None:
    """Sets the size in bytes from which str and bytes are shared and not copied."""

def _remote(obj: object, /) -> _Remote: ...
def _carry(cls: type, /) -> None: ...
def _expel_daemons() -> None: ...
def _watch_threads() -> None: ...
def _at_exit() -> None: ...
def _c_layout() -> dict[str, int | str]: ...
