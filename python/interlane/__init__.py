"""Shares memory and passes objects between isolated Python interpreters, without copies.

    send, recv = interlane.create_channel(64)

Both ends work in any interpreter and on any thread: a handle goes through `prepare_main`, `call` or another
channel. `create_channel` says how items wait, `share` keeps an object for others and tells when the last of
them is done, `SharedStr` is text that every interpreter reads in place, and `stats` and `shares` count.
"""

from interlane._channels import create_channel as create_channel
from interlane._core import (
    RecvChannel as RecvChannel,
    SendChannel as SendChannel,
    Share as Share,
    SharedStr as SharedStr,
    ShareRecord as ShareRecord,
    Statistics as Statistics,
    Stats as Stats,
    collect as collect,
    explain as explain,
    get_share_threshold as get_share_threshold,
    is_shareable as is_shareable,
    register as register,
    set_share_threshold as set_share_threshold,
    share as share,
    shares as shares,
    stats as stats,
    unregister as unregister,
    wait_released as wait_released,
)
from interlane._errors import (
    BrokenChannel as BrokenChannel,
    ChannelEmpty as ChannelEmpty,
    ChannelError as ChannelError,
    ChannelFull as ChannelFull,
    ChannelNotFoundError as ChannelNotFoundError,
    ClosedError as ClosedError,
    EndOfChannel as EndOfChannel,
    NotShareableError as NotShareableError,
    OwnerGoneError as OwnerGoneError,
    RemoteError as RemoteError,
    WouldBlock as WouldBlock,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from interlane import interpreters as interpreters
    from interlane._proxy import Proxy as Proxy, proxy as proxy

__all__ = [
    "create_channel",
    "SendChannel",
    "RecvChannel",
    "Statistics",
    "share",
    "Share",
    "is_shareable",
    "explain",
    "register",
    "unregister",
    "shares",
    "ShareRecord",
    "wait_released",
    "SharedStr",
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
    "NotShareableError",
    "RemoteError",
    "proxy",
    "Proxy",
    "interpreters",
    "get_include",
]


def get_include() -> str:
    """Returns the folder of `interlane.h`, which extension types include to be shareable."""
    import os.path

    return os.path.join(os.path.dirname(__file__), "include")  # noqa: PTH118, PTH120 - pathlib is slow to import


def __getattr__(name: str) -> object:
    # These take longer to import than all the rest, and few interpreters need them.
    if name in ("proxy", "Proxy"):
        from interlane import _proxy

        return getattr(_proxy, name)
    if name == "interpreters":
        from importlib import import_module

        return import_module("interlane.interpreters")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
