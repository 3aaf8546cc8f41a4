"""Pickling for channels with `fallback="pickle"`: large memory goes beside it, as areas of the sender's."""

import copyreg
import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

from interlane import _core


class _Beside(bytearray):
    """Stands in a pickle, as memory, for an object that goes beside it in a way of its own."""

    item: object


def dumps(obj: object) -> tuple[bytes, tuple[object, ...]]:
    """Returns a pickle of the object, and what goes beside it: memory, and what shares itself."""
    return _dumps(obj, pickle.Pickler)


def dumps_with_definitions(obj: object) -> tuple[bytes, tuple[object, ...]]:
    """As `dumps`, with the definitions of what is in a `__main__` that the receiver cannot import."""
    from interlane._definitions import Pickler

    return _dumps(obj, Pickler)


def _dumps(obj: object, kind: type[pickle.Pickler]) -> tuple[bytes, tuple[object, ...]]:
    aside: list[object] = []
    threshold = _core.get_share_threshold()

    def set_aside(buffer: pickle.PickleBuffer) -> bool:
        """Tells whether the buffer is to be copied into the pickle."""
        memory = buffer.raw()
        if isinstance(memory.obj, _Beside):
            aside.append(memory.obj.item)
            return False
        if memory.nbytes < threshold:
            return True
        aside.append(memory)
        return False

    file = io.BytesIO()
    pickler = kind(file, 5, buffer_callback=set_aside)
    pickler.dispatch_table = {**copyreg.dispatch_table, **_OURS, **_reducers()}
    pickler.dump(obj)
    return file.getvalue(), tuple(aside)


def loads(data: bytes, aside: tuple[Any, ...]) -> object:
    """Returns the object; `aside` is what arrived of that beside the pickle."""
    return pickle.loads(data, buffers=aside)


def _reducers() -> dict[Any, Callable[[Any], Any]]:
    """Returns how those are reduced that would copy what they can give away, as far as they are loaded."""
    reducers: dict[Any, Callable[[Any], Any]] = {}
    proxies: Any = sys.modules.get("interlane._proxy")
    if proxies is not None:
        reducers[proxies.Proxy] = _reduce_to_itself
    numpy: Any = sys.modules.get("numpy")
    if hasattr(numpy, "ndarray"):
        reducers[numpy.ndarray] = _reduce_array
    pandas_api = getattr(sys.modules.get("pandas"), "arrays", None)
    for name in ("ArrowExtensionArray", "ArrowStringArray"):
        if hasattr(pandas_api, name):
            reducers[getattr(pandas_api, name)] = _reduce_arrow_column
    polars: Any = sys.modules.get("polars")
    for name in ("DataFrame", "Series"):
        if hasattr(polars, name):
            reducers[getattr(polars, name)] = _reduce_polars
    return reducers


def _reduce_to_itself(obj: object) -> Any:
    """Reduces what has a way of its own, wherever in the pickled object it is."""
    return itself, (_set_beside(obj),)


def itself(obj: object) -> object:
    """Returns what arrived beside the pickle."""
    return obj


# What is the same thing, or the same memory, everywhere.
_OURS = dict.fromkeys(
    (
        *(_core.SendChannel, _core.RecvChannel, _core.Share),
        *(_core.SharedBytes, _core.SharedStr, _core.SharedBuffer, _core._Move),  # noqa: SLF001 - ours
        *(_core.FrozenDict, _core.FrozenList, _core.FrozenTuple, _core.FrozenSet),
        *(_core.ArrowArray, _core.ArrowStream),
        *(_core.Lock, _core.RLock, _core.Semaphore, _core.BoundedSemaphore, _core.Condition),
        *(_core.Event, _core.Barrier, _core.AtomicInt),
    ),
    _reduce_to_itself,
)


def _set_beside(obj: object) -> pickle.PickleBuffer:
    beside = _Beside(b"\0")
    beside.item = obj
    return pickle.PickleBuffer(beside)


def _reduce_array(array: Any) -> Any:
    """Reduces an array; NumPy itself would copy points in time, which the buffer protocol does not know."""
    if array.dtype.kind in "mM" and array.flags.forc:
        return viewed, (array.view(array.dtype.str[0] + "i8"), array.dtype)
    return array.__reduce_ex__(5)


def _reduce_arrow_column(column: Any) -> Any:
    """Reduces a column of pandas, which itself would copy it into one piece first."""
    from copyreg import __newobj__  # type: ignore[attr-defined]  # private

    state = {**column.__dict__, "_cache": {}}
    if getattr(state.get("_pa_array"), "num_chunks", 0) < 1:
        return column.__reduce_ex__(5)
    return __newobj__, (type(column),), state


def viewed(array: Any, dtype: Any) -> object:
    """Returns the array's memory as items of another type."""
    return array.view(dtype)


def _reduce_polars(frame: Any) -> Any:
    """Reduces what Polars itself would copy into the pickle: its memory goes beside it, as Arrow's."""
    from interlane._frames import has_objects

    if has_objects(frame):
        return frame.__reduce_ex__(5)
    name = None if type(frame).__name__ == "DataFrame" else frame.name
    return polars_of, (name, _set_beside(frame))


def polars_of(name: str | None, columns: Any) -> object:
    """Returns the data frame, or with a name the series, over what arrived."""
    import polars as pl

    return pl.DataFrame(columns) if name is None else pl.Series(name, columns)
