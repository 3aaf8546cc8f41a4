"""`ChannelEmpty`, in a module of its own: to import `_queue` takes a fifth as long as interlane."""

from _queue import Empty

from interlane._core import WouldBlock


class ChannelEmpty(WouldBlock, Empty):
    """The channel has no item now. Also a `queue.Empty`."""


ChannelEmpty.__module__ = "interlane"
