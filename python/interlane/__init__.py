"""Shares memory and passes objects between isolated Python interpreters, without copies.

    send, recv = interlane.create_channel(64)

Both ends work in any interpreter and on any thread: a handle goes through `prepare_main`, `call` or another
channel. `create_channel` says how items wait, `share` keeps an object for others and tells when the last of
them is done, `SharedBytes`, `SharedStr` and what `freeze` makes are data that every interpreter reads in
place, and `stats` and `shares` count.
"""

from interlane._core import (
    ArrowArray as ArrowArray,
    ArrowStream as ArrowStream,
    AtomicInt as AtomicInt,
    Barrier as Barrier,
    BoundedSemaphore as BoundedSemaphore,
    BrokenChannel as BrokenChannel,
    BufferBusyError as BufferBusyError,
    ChannelError as ChannelError,
    ChannelNotFoundError as ChannelNotFoundError,
    ClosedError as ClosedError,
    Condition as Condition,
    EndOfChannel as EndOfChannel,
    Event as Event,
    FrozenDict as FrozenDict,
    FrozenList as FrozenList,
    FrozenSet as FrozenSet,
    FrozenTuple as FrozenTuple,
    Lock as Lock,
    OwnerGoneError as OwnerGoneError,
    RecvChannel as RecvChannel,
    RemoteError as RemoteError,
    RLock as RLock,
    Selected as Selected,
    Semaphore as Semaphore,
    SendChannel as SendChannel,
    Share as Share,
    SharedBuffer as SharedBuffer,
    SharedBytes as SharedBytes,
    SharedStr as SharedStr,
    ShareRecord as ShareRecord,
    Statistics as Statistics,
    Stats as Stats,
    WouldBlock as WouldBlock,
    collect as collect,
    create_buffer_channel as create_buffer_channel,
    create_channel as create_channel,
    explain as explain,
    freeze as freeze,
    get_share_threshold as get_share_threshold,
    is_shareable as is_shareable,
    move as move,
    register as register,
    select as select,
    set_share_threshold as set_share_threshold,
    share as share,
    shares as shares,
    stats as stats,
    unregister as unregister,
    wait_released as wait_released,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import BrokenBarrierError as BrokenBarrierError

    from interlane import interpreters as interpreters
    from interlane._async import aselect as aselect
    from interlane._empty import ChannelEmpty as ChannelEmpty
    from interlane._executor.errors import (
        BrokenInterpreterPool as BrokenInterpreterPool,
        WorkerLostError as WorkerLostError,
    )
    from interlane._executor.executor import InterpreterPoolExecutor as InterpreterPoolExecutor
    from interlane._full import ChannelFull as ChannelFull
    from interlane._inspect import Inspection as Inspection, inspect as inspect
    from interlane._not_shareable import NotShareableError as NotShareableError
    from interlane._proxy import Proxy as Proxy, proxy as proxy
    from interlane._serving import serve_inspection as serve_inspection

__all__ = [
    "create_channel",
    "create_buffer_channel",
    "SendChannel",
    "RecvChannel",
    "Statistics",
    "select",
    "aselect",
    "Selected",
    "share",
    "Share",
    "is_shareable",
    "explain",
    "register",
    "unregister",
    "shares",
    "ShareRecord",
    "wait_released",
    "SharedBytes",
    "SharedBuffer",
    "move",
    "SharedStr",
    "ArrowArray",
    "ArrowStream",
    "freeze",
    "FrozenDict",
    "FrozenList",
    "FrozenTuple",
    "FrozenSet",
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Event",
    "Condition",
    "Barrier",
    "BrokenBarrierError",
    "AtomicInt",
    "inspect",
    "Inspection",
    "serve_inspection",
    "Stats",
    "stats",
    "collect",
    "get_share_threshold",
    "set_share_threshold",
    "ChannelError",
    "ClosedError",
    "BrokenChannel",
    "EndOfChannel",
    "ChannelNotFoundError",
    "WouldBlock",
    "ChannelEmpty",
    "ChannelFull",
    "OwnerGoneError",
    "BufferBusyError",
    "NotShareableError",
    "RemoteError",
    "InterpreterPoolExecutor",
    "BrokenInterpreterPool",
    "WorkerLostError",
    "proxy",
    "Proxy",
    "interpreters",
    "get_include",
]


def get_include() -> str:
    """Returns the folder of `interlane.h`, which extension types include to be shareable."""
    import os.path

    return os.path.join(os.path.dirname(__file__), "include")  # noqa: PTH118, PTH120 - pathlib is slow to import


# Where those are that take longer to import than all the rest, and that few interpreters need.
_LATE = {
    "BrokenBarrierError": "threading",
    "BrokenInterpreterPool": "interlane._executor.errors",
    "ChannelEmpty": "interlane._empty",
    "ChannelFull": "interlane._full",
    "Inspection": "interlane._inspect",
    "InterpreterPoolExecutor": "interlane._executor.executor",
    "NotShareableError": "interlane._not_shareable",
    "Proxy": "interlane._proxy",
    "WorkerLostError": "interlane._executor.errors",
    "aselect": "interlane._async",
    "inspect": "interlane._inspect",
    "proxy": "interlane._proxy",
    "serve_inspection": "interlane._serving",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "interpreters":
        return import_module("interlane.interpreters")
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _serve_if_asked() -> None:
    import os

    if os.environ.get("INTERLANE_TOP", "0") not in ("", "0"):
        from interlane import _serving

        _serving.serve_if_possible()


_serve_if_asked()
