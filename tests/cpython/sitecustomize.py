"""Puts interlane's queues and channels where CPython's own tests import the standard library's from.

For those tests only: it is found because its folder is on PYTHONPATH, in every interpreter of the process.
"""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

OURS = {
    "concurrent.interpreters._queues": "interlane.compat.queues",
    "test.support.channels": "interlane.compat.channels",
}


class InPlace:
    """Finds our source under the standard library's name."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        ours = OURS.get(name)
        found = importlib.util.find_spec(ours) if ours else None
        return found and importlib.util.spec_from_file_location(name, found.origin)


sys.meta_path.insert(0, InPlace)

try:
    import _interpchannels
except ImportError:
    pass
else:
    # With this the tests look into a channel; the original knows nothing of ours.
    def get_count(cid: int) -> int:
        channels = sys.modules["test.support.channels"]
        return channels._count(channels.RecvChannel(cid))

    _interpchannels.get_count = get_count
