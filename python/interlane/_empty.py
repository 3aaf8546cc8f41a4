"""`ChannelEmpty`, in a module of its own: to import `_queue` takes a fifth of what importing interlane does."""

from _queue import Empty

from interlane._errors import WouldBlock


class ChannelEmpty(WouldBlock, Empty):
    """The channel has no item now. Also a `queue.Empty`."""


ChannelEmpty.__module__ = "interlane"
