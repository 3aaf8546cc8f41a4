"""Values on their way between a Dask worker and its interpreters, where they arrive as what they were.

Numbers, text, bytes, containers of those, and arrays are shared as in a channel. The rest goes by
cloudpickle, as it does between the processes of a Dask cluster, with the arrays that are in it beside,
shared too.
"""

import pickle
import sys
import threading
from types import EllipsisType, NoneType, NotImplementedType
from typing import Any

from interlane._core import SharedBuffer, SharedBytes, SharedStr

# Whether it was pickled; then the value, or the pickle and what goes beside it.
type Parcel = tuple[bool, Any]

_ATOMS = frozenset({
    NoneType, bool, int, float, complex, str, bytes, range, EllipsisType, NotImplementedType,
    SharedBuffer, SharedBytes, SharedStr,
})  # fmt: skip
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})
_beside = threading.local()


def is_shared(value: object) -> bool:
    """Tells whether it is memory that interpreters share."""
    return type(value) in {memoryview, SharedBuffer, SharedBytes, SharedStr} or _is_array(value)


def is_plain(value: object) -> bool:
    """Tells whether a channel shares the value, and it arrives as what it was."""
    try:
        return is_shared(value) or _is_plain(value)
    except RecursionError:
        return False


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind not in _CONTAINERS:
        return kind in _ATOMS
    if kind is dict:
        return _are_plain(value.keys()) and _are_plain(value.values())
    return _are_plain(value)


def _are_plain(values: Any) -> bool:
    # By their types first: most containers have few.
    return set(map(type, values)) <= _ATOMS or all(map(_is_plain, values))


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "generic"):
        return False
    kind = type(value)
    return (kind is numpy.ndarray or issubclass(kind, numpy.generic)) and not value.dtype.hasobject


def pack(value: object) -> Parcel:
    """Returns what to send. Raises what cloudpickle raises."""
    if is_plain(value):
        return False, value
    from interlane._dask import pickling

    return True, pickling.dumps(value)


def unpack(parcel: Parcel) -> Any:
    """Returns the value."""
    pickled, content = parcel
    return loads(*content) if pickled else received(content)


def loads(data: bytes, beside: list[object]) -> Any:
    """Returns what `pickling.dumps` has made this of."""
    _beside.values = beside
    try:
        return pickle.loads(data)
    finally:
        del _beside.values


def take(index: int) -> Any:
    """Returns what went beside the pickle that is being loaded."""
    return received(_beside.values[index])


def received(value: Any) -> Any:
    """Returns an array for a view, where NumPy is: that is what it was, and what Dask can send on.

    Elsewhere, a view that can be indexed: of an array that came over the network, and is not aligned, NumPy
    says so in the format, with which `memoryview` can do nothing.
    """
    if type(value) is not memoryview:
        return value
    numpy: Any = sys.modules.get("numpy")
    if hasattr(numpy, "asarray"):
        return numpy.asarray(value)
    if value.format[:1] == "=" and value.c_contiguous and value.nbytes:
        return value.cast("B").cast(value.format[1:], value.shape)  # type: ignore[call-overload] # any format
    return value
