"""Shares memory and passes objects between isolated Python interpreters, without copies.

    send, recv = interlane.create_channel(64)

Both ends work in any interpreter and on any thread: a handle goes through `prepare_main`, `call` or another
channel. `create_channel` says how items wait, `SharedStr` is text that every interpreter reads in place, and
`stats` counts what is shared.
"""

from interlane._channels import create_channel as create_channel
from interlane._core import (
    RecvChannel as RecvChannel,
    SendChannel as SendChannel,
    SharedStr as SharedStr,
    Statistics as Statistics,
    Stats as Stats,
    collect as collect,
    get_share_threshold as get_share_threshold,
    set_share_threshold as set_share_threshold,
    stats as stats,
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
    WouldBlock as WouldBlock,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from interlane import interpreters as interpreters

__all__ = [
    "create_channel",
    "SendChannel",
    "RecvChannel",
    "Statistics",
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
    "interpreters",
]


def __getattr__(name: str) -> "ModuleType":
    # It takes longer to import than all the rest, and few interpreters need it.
    if name == "interpreters":
        from importlib import import_module

        return import_module("interlane.interpreters")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
