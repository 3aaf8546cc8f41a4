"""`ChannelEmpty`, in a module of its own: importing `_queue` takes a fifth as long as importing interlane."""

from _queue import Empty

from interlane._errors import WouldBlock


class ChannelEmpty(WouldBlock, Empty):
    """The channel has no item now. Also a `queue.Empty`."""


ChannelEmpty.__module__ = "interlane"
