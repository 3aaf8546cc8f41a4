"""What interlane raises.

The extension reads its exceptions from here when it is loaded, so nothing here may import the extension.
"""

import sys

if sys.version_info >= (3, 13):
    from _interpreters import NotShareableError as _StandardNotShareableError
else:

    class _StandardNotShareableError(Exception):
        """Stands for the class that CPython has from 3.13 on."""


__all__ = [
    "BrokenChannel",
    "BufferBusyError",
    "ChannelError",
    "ChannelNotFoundError",
    "ClosedError",
    "EndOfChannel",
    "NotShareableError",
    "OwnerGoneError",
    "RemoteError",
    "WouldBlock",
]


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


# CPython's own is a ValueError in 3.13 and a TypeError later.
class NotShareableError(_StandardNotShareableError, TypeError, ValueError):
    """The object, or the part of it that the message names by its path, has no way to be shared.

    A `TypeError` and a `ValueError`, and from 3.13 on what the standard library raises for the same reason.
    """


# People import them from the package, and that is what tracebacks and pickles should say.
for _name in __all__:
    globals()[_name].__module__ = "interlane"
del _name
