"""Who runs code in which interpreter's `__main__`, as far as it is somebody here.

CPython asks first whether anybody does and begins then. On 3.12, whoever comes in between runs on the same
thread state, which takes the interpreter apart; on 3.13.0 it is refused with a `SystemError`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["alone"]

_runs: dict[int, object] = {}


@contextmanager
def alone(number: int, otherwise: Exception) -> Iterator[None]:
    """Keeps others out of the interpreter, or raises `otherwise` if somebody is in there."""
    me = object()
    if _runs.setdefault(number, me) is not me:
        raise otherwise
    try:
        yield
    finally:
        del _runs[number]
