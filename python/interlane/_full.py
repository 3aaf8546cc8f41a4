"""`ChannelFull`, in a module of its own: to import `queue` takes longer than to import interlane."""

from queue import Full

from interlane._core import WouldBlock


class ChannelFull(WouldBlock, Full):
    """The channel has no room now. Also a `queue.Full`."""


ChannelFull.__module__ = "interlane"
