"""What a pool raises about itself."""

import sys
from concurrent.futures import BrokenExecutor

if sys.version_info >= (3, 14):
    from concurrent.futures.interpreter import BrokenInterpreterPool as _Standard
else:
    from concurrent.futures.thread import BrokenThreadPool as _Standard


class BrokenInterpreterPool(_Standard):
    """The pool cannot be used any more: its initializer failed, or its workers cannot start."""


class WorkerLostError(BrokenExecutor):
    """The worker that ran the task ended before the task was done. The pool goes on with another one."""


BrokenInterpreterPool.__module__ = WorkerLostError.__module__ = "interlane"
