"""What the pools of `pool.py` are given to do, in a module that every kind of worker can import."""

import contextlib
from typing import Any

with contextlib.suppress(ImportError):
    from bocpy import send


def nothing(_: object = None) -> None:
    """Does nothing."""


def size(data: Any) -> int:
    """Looks at its argument."""
    return data if isinstance(data, int) else len(data)


def spin(n: int) -> int:
    """Takes processor time."""
    total = 0
    for i in range(n):
        total += i * i % 7
    return total


def work_off(begin: Any, results: Any, *queues: Any) -> None:
    """Spins for what is in the queues: the first one's tasks, and then what is left in the others."""
    results.send("ready")
    begin.wait()
    for queue in queues:
        for n in queue:
            spin(n)
    results.send("done")


# bocpy passes cowns first, and has no results but messages.


def boc_nothing(_: Any) -> None:
    """As `nothing`."""
    send("back", None)


def boc_size(_: Any, data: Any = None) -> None:
    """As `size`."""
    send("back", size(data))


def boc_spin(_: Any, n: Any = None) -> None:
    """As `spin`."""
    send("back", spin(n))
