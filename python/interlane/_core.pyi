"""The extension: channels, sharing and the types that live in shared memory."""

from collections.abc import (
    Buffer,
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    Set as AbstractSet,
    ValuesView,
)
from os import PathLike
from types import EllipsisType, GenericAlias, TracebackType
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    NoReturn,
    Self,
    SupportsBytes,
    SupportsIndex,
    final,
    overload,
)

from _typeshed import SupportsRead, structseq
from typing_extensions import CapsuleType, TypeVar

_K = TypeVar("_K")
_V_co = TypeVar("_V_co", covariant=True)
_T_co = TypeVar("_T_co", covariant=True)
_T_contra = TypeVar("_T_contra", contravariant=True)
_Item = TypeVar("_Item", default=Any)

class ChannelError(Exception):
    """Something about a channel prevents what was asked of it; the base of all that is raised for one."""

class ClosedError(ChannelError):
    """This handle was used after its own `close()`."""

class BrokenChannel(ChannelError):  # noqa: N818  # names a state of the channel, as EOFError's kin do
    """All receivers have closed: nobody could ever get the item, which its sender keeps."""

class EndOfChannel(ChannelError):  # noqa: N818  # as above
    """All senders have closed and every item has been received."""

class ChannelNotFoundError(ChannelError, LookupError):
    """No channel of that id has an open end."""

class WouldBlock(ChannelError):  # noqa: N818  # as in BlockingIOError's errno
    """It could only be done by waiting."""

class OwnerGoneError(ChannelError):
    """The interpreter that this needs has ended."""

class BufferBusyError(TimeoutError, BufferError):
    """Others use the memory, and did not stop in the time that there was.

    A `TimeoutError`, as of every wait, and a `BufferError`, as of everything that memory in use prevents.
    """

class RemoteError(Exception):
    """Stands for an exception of another interpreter whose class cannot be imported here."""

@final
class SendChannel(Generic[_T_contra]):  # noqa: UP046  # records of ends make it look invariant
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
    def from_id(cls, id: int) -> SendChannel[Any]:
        """Opens another handle; raises ChannelNotFoundError."""

    def send(self, obj: _T_contra, timeout: float | None = None) -> None:
        """Sends an item, waiting for room.

        Raises TimeoutError after so many seconds, BrokenChannel when nobody is left to receive it,
        NotShareableError and ClosedError. Whenever it raises, nothing has been sent.
        """

    async def asend(self, obj: _T_contra) -> None:
        """Sends an item, awaiting room; cancelled, it has either sent the item or will never.

        The CancelledError of a wait has the attribute `sent`, which says what happened.
        """

    def send_nowait(self, obj: _T_contra) -> None:
        """Sends an item if there is room, else raises ChannelFull."""

    def send_many(self, iterable: Iterable[_T_contra], timeout: float | None = None) -> int:
        """Sends the items in order and returns how many went.

        An exception has the attributes `sent`, how many went, and `unsent`, those taken from the iterable
        that did not.
        """

    def send_buffer(self, obj: Buffer, timeout: float | None = None) -> None:
        """Sends the memory of a buffer exporter without a copy; it arrives as a read-only memoryview."""

    def send_buffer_nowait(self, obj: Buffer) -> None:
        """As send_buffer, if there is room, else raises ChannelFull."""

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
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
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
    def from_id(cls, id: int) -> RecvChannel[Any]:
        """Opens another handle; raises ChannelNotFoundError."""

    def recv(self, timeout: float | None = None) -> _T_co:
        """Receives the next item, waiting for one.

        Raises TimeoutError after so many seconds, EndOfChannel when no more can come, and ClosedError.
        """

    async def arecv(self) -> _T_co:
        """Receives the next item, awaiting one; cancelled, it has lost none."""

    @overload
    def recv_nowait(self) -> _T_co:
        """Receives the next item if there is one, else returns the default or raises ChannelEmpty."""

    @overload
    def recv_nowait[D](self, default: D) -> _T_co | D: ...
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
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> _T_co: ...
    def __len__(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class Selected(structseq[Any], tuple[int, SendChannel[Any] | RecvChannel[Any], Any]):
    """The operation that select() has done."""

    __match_args__ = ("index", "end", "item")

    @property
    def index(self) -> int:  # type: ignore[override]  # a field hides the method
        """Its place among the arguments."""

    @property
    def end(self) -> SendChannel[Any] | RecvChannel[Any]:
        """The end that it was done with."""

    @property
    def item(self) -> Any:
        """What was received; None after a send."""

@final
class SharedBytes(bytes):
    """A bytes whose contents are the same physical memory in every interpreter."""

    @overload
    def __new__(
        cls, data: Iterable[SupportsIndex] | SupportsIndex | SupportsBytes | Buffer = b""
    ) -> Self: ...
    @overload
    def __new__(cls, data: str, encoding: str, errors: str = "strict") -> Self: ...
    @property
    def aliased(self) -> bool:
        """Whether the contents are the same physical memory in every interpreter; else this is a copy."""

    @classmethod
    def map_file(
        cls,
        path: str | bytes | PathLike[str] | PathLike[bytes],
        offset: int = 0,
        length: int | None = None,
    ) -> Self:
        """Maps a file, or a part of it, instead of reading it.

        Whoever changes the file changes the bytes; touching what was cut off ends the process (SIGBUS).
        Raises OSError, and ValueError for what is no regular file and for a part that the file does not have.
        """

    @classmethod
    def read_from(cls, fileobj: SupportsRead[bytes]) -> Self:
        """Copies what is left to read once.

        Raises TypeError when read() gives no bytes, BlockingIOError when it gives None.
        """

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> SharedBytes: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[type[bytes], tuple[object]]: ...

@final
class SharedStr(str):
    """A str whose characters are the same memory in every interpreter."""

    def __new__(cls, text: str = "") -> Self: ...

@final
class FrozenDict(Mapping[_K, _V_co]):
    """A dict that freeze() has made, read in place in every interpreter.

    What is looked up comes out as an exact object or, where it has parts itself, as FrozenDict, FrozenList,
    FrozenTuple or FrozenSet of the same memory.
    """

    @property
    def nbytes(self) -> int:
        """Bytes of the memory that it is in, with all that was frozen together with it."""

    @overload
    def get(self, key: object, /) -> _V_co | None:
        """Returns the value of the key, or the default."""

    @overload
    def get[T](self, key: object, default: T, /) -> _V_co | T: ...
    def keys(self) -> KeysView[_K]:
        """Returns a view of the keys."""

    def values(self) -> ValuesView[_V_co]:
        """Returns a view of the values."""

    def items(self) -> ItemsView[_K, _V_co]:
        """Returns a view of the pairs of key and value."""

    def thaw(self) -> dict[_K, _V_co]:
        """Returns a plain dict of plain objects: a copy of everything."""

    def _iterate(self, values_only: bool, backwards: bool, /) -> Iterator[Any]: ...
    def __getitem__(self, key: Any, /) -> _V_co: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_K]: ...
    def __reversed__(self) -> Iterator[_K]: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]  # as mutable classes say it
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[dict[Any, Any]], tuple[dict[_K, _V_co]]]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class FrozenList(Sequence[_T_co]):
    """A list that freeze() has made, read in place in every interpreter."""

    @property
    def nbytes(self) -> int:
        """Bytes of the memory that it is in, with all that was frozen together with it."""

    def index(self, value: object, start: SupportsIndex = 0, stop: SupportsIndex = ..., /) -> int:
        """Returns where the first equal item is; raises ValueError if there is none."""

    def count(self, value: object, /) -> int:
        """Returns how many items are equal to the value."""

    def thaw(self) -> list[_T_co]:
        """Returns a plain list of plain objects: a copy of everything."""

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> _T_co: ...
    @overload
    def __getitem__(self, key: slice, /) -> list[_T_co]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def __reversed__(self) -> Iterator[_T_co]: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]  # as above
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[_T_co]]]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class FrozenTuple(Sequence[_T_co]):
    """A tuple that freeze() has made, read in place in every interpreter."""

    @property
    def nbytes(self) -> int:
        """Bytes of the memory that it is in, with all that was frozen together with it."""

    def index(self, value: object, start: SupportsIndex = 0, stop: SupportsIndex = ..., /) -> int:
        """Returns where the first equal item is; raises ValueError if there is none."""

    def count(self, value: object, /) -> int:
        """Returns how many items are equal to the value."""

    def thaw(self) -> tuple[_T_co, ...]:
        """Returns a plain tuple of plain objects: a copy of everything."""

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> _T_co: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[_T_co, ...]: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def __reversed__(self) -> Iterator[_T_co]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[tuple[Any, ...]], tuple[tuple[_T_co, ...]]]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class FrozenSet(AbstractSet[_T_co]):
    """A set or frozenset that freeze() has made, read in place in every interpreter."""

    @property
    def nbytes(self) -> int:
        """Bytes of the memory that it is in, with all that was frozen together with it."""

    def isdisjoint(self, other: Iterable[object], /) -> bool:
        """Tells whether no element of other is in the set."""

    def issuperset(self, other: Iterable[object], /) -> bool:
        """Tells whether all elements of other are in the set."""

    def issubset(self, other: Iterable[object], /) -> bool:
        """Tells whether all elements are in other."""

    def union[T](self, *others: Iterable[T]) -> frozenset[_T_co | T]:
        """Returns a frozenset of what is in any of them."""

    def intersection(self, *others: Iterable[object]) -> frozenset[_T_co]:
        """Returns a frozenset of what is in all of them."""

    def difference(self, *others: Iterable[object]) -> frozenset[_T_co]:
        """Returns a frozenset of what is in none of the others."""

    def symmetric_difference[T](self, other: Iterable[T], /) -> frozenset[_T_co | T]:
        """Returns a frozenset of what is in one of the two."""

    def thaw(self) -> set[_T_co] | frozenset[_T_co]:
        """Returns the plain set or frozenset that it was made of, of plain objects: a copy of everything."""

    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __lt__(self, other: AbstractSet[object], /) -> bool: ...
    def __le__(self, other: AbstractSet[object], /) -> bool: ...
    def __gt__(self, other: AbstractSet[object], /) -> bool: ...
    def __ge__(self, other: AbstractSet[object], /) -> bool: ...
    def __and__(self, other: AbstractSet[object], /) -> frozenset[_T_co]: ...
    def __rand__(self, other: AbstractSet[object], /) -> AbstractSet[_T_co]: ...
    def __or__[T](self, other: AbstractSet[T], /) -> frozenset[_T_co | T]: ...
    def __ror__[T](self, other: AbstractSet[T], /) -> AbstractSet[_T_co | T]: ...
    def __xor__[T](self, other: AbstractSet[T], /) -> frozenset[_T_co | T]: ...
    def __rxor__[T](self, other: AbstractSet[T], /) -> AbstractSet[_T_co | T]: ...
    def __sub__(self, other: AbstractSet[object], /) -> frozenset[_T_co]: ...
    def __rsub__[T](self, other: AbstractSet[T], /) -> AbstractSet[T]: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __reduce__(self) -> tuple[type[Any], tuple[set[_T_co] | frozenset[_T_co]]]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@final
class SharedBuffer:
    """An array in memory that no interpreter owns and all of them use in place."""

    def __new__(cls, shape: SupportsIndex | Iterable[SupportsIndex], format: str = "B") -> Self: ...
    @classmethod
    def copy_of(cls, obj: Buffer) -> SharedBuffer:
        """Returns a new SharedBuffer with a buffer exporter's contents, format and shape; copies once."""

    @classmethod
    def from_buffer(cls, obj: Buffer) -> SharedBuffer:
        """Returns a SharedBuffer of a buffer exporter's own memory, writable if that is; copies nothing.

        The exporter is kept, by this interpreter, until the last user anywhere has gone. Raises BufferError
        for memory that goes through pointers.
        """

    @classmethod
    def from_file(
        cls,
        path: str | bytes | PathLike[str] | PathLike[bytes],
        format: str = "B",
        shape: SupportsIndex | Iterable[SupportsIndex] | None = None,
        *,
        offset: SupportsIndex = 0,
        writable: bool = False,
    ) -> SharedBuffer:
        """Returns a SharedBuffer of a file's contents from `offset` bytes on: mapped, not read.

        Without a shape it is of one dimension and reaches to the end of the file.
        """

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension, in items."""

    @property
    def strides(self) -> tuple[int, ...]:
        """How many bytes it is from one item to the next, for each dimension."""

    @property
    def format(self) -> str:
        """What an item is, in the language of the struct module."""

    @property
    def itemsize(self) -> int:
        """Bytes of one item."""

    @property
    def nbytes(self) -> int:
        """Bytes of all items."""

    @property
    def ndim(self) -> int:
        """The number of dimensions."""

    @property
    def readonly(self) -> bool:
        """Whether it cannot be written to."""

    @property
    def c_contiguous(self) -> bool:
        """Whether the items have no gaps and are in the order of C."""

    @property
    def f_contiguous(self) -> bool:
        """Whether the items have no gaps and are in the order of Fortran."""

    @property
    def contiguous(self) -> bool:
        """Whether the items have no gaps, in either order."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """What NumPy and others read without the buffer protocol; nobody counts who uses its address."""

    def cast(self, format: str, shape: SupportsIndex | Iterable[SupportsIndex] | None = None) -> SharedBuffer:
        """Returns the same bytes as items of another format; copies nothing."""

    def reshape(
        self, shape: SupportsIndex | Iterable[SupportsIndex], /, *lengths: SupportsIndex
    ) -> SharedBuffer:
        """Returns the same items in another shape, of whose lengths one may be -1; copies nothing."""

    def toreadonly(self) -> SharedBuffer:
        """Returns a SharedBuffer of the same memory that cannot be written to."""

    def reading(self, timeout: float | None = None) -> _Guard:
        """Returns a guard for a with statement: nobody writes in a guard while it lasts; many may read.

        Its value is a read-only view, which ends with it: afterwards it raises ValueError. Entering raises
        BufferBusyError after so many seconds (0 is one try), and at once when this thread would wait for
        itself for ever. Leaving raises BufferError while memoryviews or arrays of the view exist; the memory
        stays guarded until they are gone.

        In asyncio and trio, `async with` awaits the guard, which is the current task's then.
        """

    def writing(self, timeout: float | None = None) -> _Guard:
        """As reading, with a view to write to: nobody else is in a guard while it lasts.

        Raises TypeError when the memory is read-only.
        """

    def freeze(self) -> None:
        """Makes the memory read-only for all, in every interpreter, for good.

        Raises BufferBusyError while anybody has a memoryview or array that may write to it, or is writing().
        """

    def tobytes(self, order: Literal["C", "F", "A"] | None = "C") -> bytes:
        """Returns a copy of the items as bytes."""

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]: ...
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> CapsuleType:
        """Returns a DLPack capsule of the same memory, or of a copy if `copy` is true.

        Raises BufferError for formats and strides that DLPack does not have, for another device than the CPU,
        and for read-only memory unless `max_version` is at least (1, 0).
        """

    def __dlpack_device__(self) -> tuple[int, int]:
        """Returns (1, 0): the CPU."""

    def tolist(self) -> list[Any]:
        """Returns the values as a list, of lists where there is more than one dimension."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __delitem__(self, key: Any, /) -> None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, view: memoryview, /) -> None: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]  # as above

@final
class _Guard:
    """What a SharedBuffer's reading() and writing() return."""

    def __enter__(self) -> SharedBuffer: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> SharedBuffer: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def _wait(self, task: int, /) -> _GuardWait: ...

@final
class _GuardWait:
    """An async with of a guard that an event loop waits in."""

    @property
    def timeout(self) -> float | None: ...
    def attempt(self) -> SharedBuffer | None: ...
    def begin(self, bell: _LoopBell, number: int, task: str, /) -> bool: ...
    def result(self) -> SharedBuffer | None: ...
    def cancel(self) -> bool: ...
    def refuse(self) -> NoReturn: ...

@final
class _Move:
    """What move() returns."""

def move(buf: SharedBuffer) -> Any:
    """Returns what gives the buffer away when it is sent: afterwards it raises ClosedError.

    A send that fails, or whose item nobody ever receives, leaves the buffer with its sender. Raises
    BufferError, here and when it is sent, while there are views, slices or guards of it here.
    """

@final
class ArrowArray:
    """An array, or a record batch, of another interpreter, in that interpreter's own memory."""

    def __arrow_c_schema__(self) -> CapsuleType:
        """Returns a capsule `arrow_schema`."""

    def __arrow_c_array__(
        self, requested_schema: CapsuleType | None = None
    ) -> tuple[CapsuleType, CapsuleType]:
        """Returns capsules `arrow_schema` and `arrow_array` of the same memory, any number of times."""

    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """Returns a capsule `arrow_array_stream` of this one array, any number of times."""

    @property
    def format(self) -> str:
        """The type, in the language of the Arrow C data interface."""

    @property
    def name(self) -> str | None:
        """The name of the field."""

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers in it, as far as the format tells their lengths."""

    @property
    def null_count(self) -> int | None:
        """The number of nulls; None when nobody has counted them."""

    @property
    def offset(self) -> int:
        """How many items of the buffers, and of children, come before the first one of the array."""

    @property
    def buffers(self) -> tuple[memoryview | None, ...]:
        """The array's own memory, read-only, in the order that Arrow has for the format.

        None for a buffer that is not there or whose length the format does not tell. They are not sliced: see
        `offset`.
        """

    @property
    def children(self) -> tuple[ArrowArray, ...]:
        """The arrays in it: the columns of a record batch. Not sliced: see `offset`."""

    @property
    def dictionary(self) -> ArrowArray | None:
        """The values that the items are numbers of."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview:
        """Exports the items, if they are values of one size without nulls, else raises BufferError."""

    def __release_buffer__(self, view: memoryview, /) -> None: ...

@final
class ArrowStream:
    """A table, or a column, of another interpreter, in that interpreter's own memory."""

    def __arrow_c_schema__(self) -> CapsuleType:
        """Returns a capsule `arrow_schema`."""

    def __arrow_c_stream__(self, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """Returns a capsule `arrow_array_stream` of all chunks, any number of times."""

    @property
    def format(self) -> str:
        """The type, in the language of the Arrow C data interface."""

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers in it; those that several chunks use are counted with each of them."""

    @property
    def chunks(self) -> tuple[ArrowArray, ...]:
        """The arrays."""

    def __len__(self) -> int: ...

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
    structseq[int | str | float | dict[int, int] | None],
    tuple[int, int | None, str, int, dict[int, int], float, int, str],
):
    """One share at one moment."""

    __match_args__ = ("id", "owner", "type", "nbytes", "holders", "age", "in_transit", "state")

    @property
    def id(self) -> int:
        """The share's number, never used twice in a process."""

    @property
    def owner(self) -> int | None:
        """The id of the interpreter that owns the object; None for memory of the process."""

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
class Lock:
    """threading.Lock across interpreters."""

    def __new__(cls) -> Self: ...
    @property
    def id(self) -> int:
        """The lock's number, the same in every interpreter."""

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        """Acquires the lock; False when that takes longer than timeout seconds."""

    async def acquire_async(self) -> bool:
        """Acquires it, awaiting that."""

    def release(self) -> None:
        """Releases the lock, whoever holds it."""

    def locked(self) -> bool:
        """Whether somebody holds it."""

    def recover(self) -> bool:
        """Makes a lock free again whose holder has ended; False, and nothing is done, if it has not."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class RLock:
    """threading.RLock across interpreters."""

    def __new__(cls) -> Self: ...
    @property
    def id(self) -> int:
        """The lock's number, the same in every interpreter."""

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        """Acquires the lock, or once more; False when that takes longer than timeout seconds."""

    async def acquire_async(self) -> bool:
        """Acquires it, awaiting that."""

    def release(self) -> None:
        """Releases the lock once."""

    def locked(self) -> bool:
        """Whether somebody holds it."""

    def recover(self) -> bool:
        """Makes a lock free again whose holder has ended; False, and nothing is done, if it has not."""

    def _is_owned(self) -> bool: ...
    def _recursion_count(self) -> int: ...
    def _release_save(self) -> int: ...
    def _acquire_restore(self, state: int, /) -> None: ...
    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Semaphore:
    """threading.Semaphore across interpreters."""

    def __new__(cls, value: int = 1) -> Self: ...
    @property
    def id(self) -> int:
        """The semaphore's number, the same in every interpreter."""

    @property
    def value(self) -> int:
        """What it stands at now."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Takes one; False when it stands at zero for longer than timeout seconds."""

    async def acquire_async(self) -> bool:
        """Acquires it, awaiting that."""

    def release(self, n: int = 1) -> None:
        """Adds n."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class BoundedSemaphore:
    """threading.BoundedSemaphore across interpreters."""

    def __new__(cls, value: int = 1) -> Self: ...
    @property
    def id(self) -> int:
        """The semaphore's number, the same in every interpreter."""

    @property
    def value(self) -> int:
        """What it stands at now."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Takes one; False when it stands at zero for longer than timeout seconds."""

    async def acquire_async(self) -> bool:
        """Acquires it, awaiting that."""

    def release(self, n: int = 1) -> None:
        """Adds n."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Event:
    """threading.Event across interpreters."""

    def __new__(cls) -> Self: ...
    @property
    def id(self) -> int:
        """The event's number, the same in every interpreter."""

    def is_set(self) -> bool:
        """Whether it is set."""

    def set(self) -> None:
        """Sets it and wakes everybody who waits."""

    def clear(self) -> None:
        """Makes it unset again."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it is set; False after timeout seconds."""

    async def wait_async(self) -> bool:
        """Awaits that it is set."""

    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Condition:
    """threading.Condition across interpreters."""

    def __new__(cls, lock: Lock | RLock | None = None) -> Self: ...
    @property
    def id(self) -> int:
        """The condition's number, the same in every interpreter."""

    @property
    def lock(self) -> Lock | RLock:
        """The lock that goes with it."""

    def acquire(self, blocking: bool = True, timeout: float | None = -1) -> bool:
        """Acquires the lock."""

    async def acquire_async(self) -> bool:
        """Acquires it, awaiting that."""

    def release(self) -> None:
        """Releases the lock."""

    def locked(self) -> bool:
        """Whether somebody holds the lock."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits, without the lock, to be notified; False after timeout seconds."""

    def wait_for[R](self, predicate: Callable[[], R], timeout: float | None = None) -> R:
        """Waits until predicate() is true; returns what it returned last."""

    async def wait_async(self) -> bool:
        """Awaits, without the lock, to be notified."""

    async def wait_for_async[R](self, predicate: Callable[[], R]) -> R:
        """Awaits that predicate() is true; returns what it returned last."""

    def notify(self, n: int = 1) -> None:
        """Wakes at most n of those who wait."""

    def notify_all(self) -> None:
        """Wakes everybody who waits."""

    def __enter__(self) -> bool: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> bool: ...
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Barrier:
    """threading.Barrier across interpreters."""

    def __new__(
        cls, parties: int, action: Callable[[], object] | None = None, timeout: float | None = None
    ) -> Self: ...
    @property
    def id(self) -> int:
        """The barrier's number, the same in every interpreter."""

    @property
    def parties(self) -> int:
        """How many it takes."""

    @property
    def n_waiting(self) -> int:
        """How many wait now."""

    @property
    def broken(self) -> bool:
        """Whether it is broken."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the others; returns the place in which this one came.

        Raises threading.BrokenBarrierError.
        """

    async def wait_async(self) -> int:
        """Awaits the others; returns the place in which this one came.

        Raises threading.BrokenBarrierError.
        """

    def reset(self) -> None:
        """Makes it as new."""

    def abort(self) -> None:
        """Breaks it."""

    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class AtomicInt:
    """A signed integer of 64 bits that interpreters share and change atomically."""

    def __new__(cls, value: SupportsIndex = 0) -> Self: ...
    @property
    def id(self) -> int:
        """Its own number, the same in every interpreter."""

    def load(self) -> int:
        """Returns the value."""

    def store(self, value: SupportsIndex) -> None:
        """Sets the value."""

    def add(self, n: SupportsIndex = 1) -> int:
        """Adds n and returns the new value; raises OverflowError beyond 64 bits."""

    def exchange(self, value: SupportsIndex) -> int:
        """Sets the value and returns the one before."""

    def compare_exchange(self, expected: SupportsIndex, desired: SupportsIndex) -> bool:
        """Sets the value to desired if it is expected; returns whether it was."""

    def wait(self, expected: SupportsIndex, timeout: float | None = None) -> bool:
        """Waits until the value is anything but expected; False after timeout seconds."""

    async def wait_async(self, expected: SupportsIndex) -> bool:
        """Awaits that the value is anything but expected."""

    def __int__(self) -> int: ...
    def __index__(self) -> int: ...
    def __reduce__(self) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

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

@final
class _Ticket:
    """The claims on tasks that were posted together."""

    def cancel(self, index: int = 0, /) -> bool: ...
    def taken(self, index: int = 0, /) -> bool: ...

@final
class _TaskWorker:
    """Takes an executor's tasks and hands back what becomes of them; for one thread."""

    def next(self, /) -> Any: ...
    def returned(self, value: object, /) -> None: ...
    def failed(self, exception: BaseException, /) -> None: ...
    def close(self, /) -> None: ...

@final
class _Tasks:
    """The queues of an executor: tasks out, outcomes back."""

    @property
    def id(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    @property
    def outstanding(self) -> int: ...
    @property
    def finished(self) -> int: ...
    def post(self, number: int, call: object, /) -> _Ticket: ...
    def post_many(self, number: int, calls: Sequence[object], /) -> _Ticket: ...
    def collect(self, into: list[tuple[int, bool | None, Any]], /, timeout: float | None = None) -> int: ...
    def drain(self, /) -> list[int]: ...
    def ring(self, /) -> None: ...
    def close(self, /) -> None: ...

# Only a class can be subscripted with any type there is.
@final
class create_channel(Generic[_Item]):  # noqa: N801
    """Creates a channel and returns its two ends: `send, recv = create_channel(capacity)`.

    `capacity` is the number of items that wait in the channel: None for any number, 0 for none (a send
    returns once its item was received). `fallback="pickle"` pickles what has no other way to be shared.
    `create_channel[int](3)` says what the items are.
    """

    def __new__(  # type: ignore[misc]  # it returns a pair
        cls, capacity: int | None = None, *, fallback: Literal["pickle"] | None = None
    ) -> tuple[SendChannel[_Item], RecvChannel[_Item]]: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

def create_buffer_channel(
    capacity: int | None = None,
) -> tuple[SendChannel[Buffer], RecvChannel[memoryview]]:
    """Creates a channel for buffer exporters only; everything arrives as a memoryview."""

def select(*ops: RecvChannel[Any] | tuple[SendChannel[Any], Any], timeout: float | None = None) -> Selected:
    """Does one of several operations, waiting until one is possible.

    A `RecvChannel` receives from it, a tuple `(SendChannel, item)` sends. Fair among those that are possible;
    the others leave no trace. Raises TimeoutError after so many seconds (0 is one try). An operation whose
    channel has ended, or whose end is closed, counts as possible: EndOfChannel, BrokenChannel or ClosedError
    is raised, with the attributes `index` and `end`.
    """

def share[T](obj: T, *, writable: bool = False, on_release: Callable[[T], object] | None = None) -> Share[T]:
    """Acquires the object's memory, pins it, and returns a Share of it."""

def is_shareable(obj: object) -> bool:
    """Tells whether the object, with everything in it, can be shared without pickling."""

@overload
def freeze[K, V](obj: dict[K, V]) -> FrozenDict[K, V]:
    """Returns a deep copy of plain data that every interpreter reads in place.

    str, bytes, numbers, bool, None, and what is frozen already, are returned as they are. Containers in
    others come out of them frozen, too. Raises NotShareableError with the path to what is no plain data or
    a part of itself.
    """

@overload
def freeze[T](obj: list[T]) -> FrozenList[T]: ...
@overload
def freeze[T](obj: tuple[T, ...]) -> FrozenTuple[T]: ...
@overload
def freeze[T](obj: set[T] | frozenset[T]) -> FrozenSet[T]: ...
@overload
def freeze[
    T: FrozenDict[Any, Any]
    | FrozenList[Any]
    | FrozenTuple[Any]
    | FrozenSet[Any]
    | complex
    | str
    | bytes
    | EllipsisType
    | None
](obj: T) -> T: ...
def explain(obj: object) -> str | None:
    """Returns why the object can't be shared, with the path to the part that can't; None if it can."""

def register[T](
    cls: type[T], share_function: Callable[[T], tuple[Callable[..., object], tuple[object, ...]]]
) -> None:
    """Says how instances of a class, and of its subclasses, are shared in this interpreter."""

def unregister(cls: type) -> None:
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

def set_share_threshold(nbytes: int) -> None:
    """Sets the size in bytes from which str and bytes are shared and not copied."""

@final
class _Choice:
    """Operations on channels of which one is awaited."""

    def begin(self, bell: _LoopBell, number: int, task: str, /) -> bool: ...
    def result(self) -> tuple[int, Any]: ...
    def expire(self) -> tuple[int, Any]: ...
    def cancel(self) -> bool: ...

@final
class _LockWait:
    """A call on a lock or one of its kin that an event loop waits in."""

    @property
    def depth(self) -> int: ...
    def attempt(self) -> bool | None: ...
    def begin(self, bell: _LoopBell, number: int, task: str, /) -> bool: ...
    def result(self) -> int | None: ...
    def cancel(self) -> bool: ...

@final
class _LoopBell:
    """Wakes an event loop when waits of its are over."""

    def fileno(self) -> int: ...
    def answer(self) -> list[int]: ...
    def step(self, steps: dict[int, tuple[Any, ...]], /) -> None: ...

def _attempt(*ops: RecvChannel[Any] | tuple[SendChannel[Any], Any]) -> tuple[int, Any] | _Choice: ...
def _loop_bell() -> _LoopBell: ...
def _lock_wait(
    primitive: Lock | RLock | Semaphore | BoundedSemaphore | Event | Condition | Barrier | AtomicInt,
    argument: SupportsIndex = 1,
    task: int = 0,
    /,
) -> _LockWait: ...
def _lose_task(lock: RLock, task: int, /) -> None: ...
def _remote(obj: object, /) -> _Remote: ...
def _array_of(view: Buffer, dtype: str, /) -> SharedBuffer: ...
def _part_of(view: memoryview, base: object, /) -> memoryview: ...
def _mailbox_create(
    kind: int, unbound: int, maxsize: int, /
) -> tuple[SendChannel[Any], RecvChannel[Any]]: ...
def _mailbox_open(kind: int, id: int, /) -> tuple[SendChannel[Any], RecvChannel[Any], int, int] | None: ...
def _mailbox_list(kind: int, /) -> list[tuple[int, int]]: ...
def _mailbox_state(send: SendChannel[Any], new: int = ..., /) -> int: ...
def _mailbox_end(send: SendChannel[Any], /) -> None: ...
def _mailbox_put(
    send: SendChannel[Any], obj: object, unbound: int, timeout: float | None, receipt: bool, /
) -> None: ...
def _tasks(*, definitions: bool = False) -> _Tasks: ...
def _task_worker(id: int, /) -> _TaskWorker: ...
def _rebuild_buffer(data: Buffer, format: str, itemsize: int, shape: Iterable[int], /) -> SharedBuffer: ...
def _carry(cls: type, /) -> None: ...
def _expel_daemons() -> None: ...
def _watch_threads() -> None: ...
def _inspect() -> tuple[
    list[tuple[int, int, int, float | None]],
    list[tuple[int, int | None, int, int, int, int, int, int, int]],
    list[tuple[int, str, str, int | None, int | None, int]],
    list[tuple[int, int, str, int | None, float, bool]],
    list[tuple[int, int, str, int | None, float, str, int | None]],
]: ...
def _at_exit() -> None: ...
def _c_layout() -> dict[str, int | str]: ...
