"""`NotShareableError`, in a module of its own: `_interpreters` takes a third as long to import as we do."""

import sys

if sys.version_info >= (3, 13):
    from _interpreters import NotShareableError as _StandardNotShareableError
else:

    class _StandardNotShareableError(Exception):
        """Stands for the class that CPython has from 3.13 on."""


# CPython's own is a ValueError in 3.13 and a TypeError later.
class NotShareableError(_StandardNotShareableError, TypeError, ValueError):
    """The object, or the part of it that the message names by its path, has no way to be shared.

    A `TypeError` and a `ValueError`, and from 3.13 on what the standard library raises for the same reason.
    """


# People import it from the package, and that is what tracebacks and pickles should say.
NotShareableError.__module__ = "interlane"
