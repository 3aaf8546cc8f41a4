"""How NumPy's arrays, scalars and data types go to other interpreters.

NumPy is never imported here: who sends some has it loaded, and who receives some gets arrays if it has, too.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from interlane._core import SharedBuffer, _array_of, _part_of

type Parts = tuple[Callable[..., object], tuple[object, ...]]

# NumPy's own subclasses that are nothing but another look at the same memory.
_VIEWS = {"matrix", "recarray", "chararray"}
# What an interpreter without NumPy can take for the scalar, by its kind.
_PLAIN = "?bhilqBHILQefdFDSU"

_descriptions: dict[Any, object] = {}


def numpy_here() -> Any:
    """Returns NumPy if this interpreter has it loaded, else None."""
    numpy = sys.modules.get("numpy")
    return numpy if hasattr(numpy, "asarray") else None


def plan(cls: type) -> Callable[[Any], Parts | str] | None:
    """Returns what takes instances of a class apart, or None for what is not NumPy's.

    The answer is a function below and its arguments, or why there is none.
    """
    numpy = numpy_here()
    if numpy is not None:
        for base, function in (
            (numpy.ndarray, _take_array_apart),
            (numpy.generic, _take_scalar_apart),
            (numpy.dtype, _take_dtype_apart),
        ):
            if issubclass(cls, base):
                return partial(function, numpy)
    return None


def _take_array_apart(numpy: Any, obj: Any) -> Parts | str:
    cls = type(obj)
    if cls is numpy.ndarray:
        return _take_plain_apart(numpy, obj)
    if cls.__module__.partition(".")[0] == "numpy":
        if cls.__name__ in _VIEWS:
            return viewed, (obj.view(numpy.ndarray), cls.__name__)
        if cls.__name__ == "memmap":
            return _take_plain_apart(numpy, obj.view(numpy.ndarray))
        if cls.__name__ == "MaskedArray":
            mask = None if obj.mask is numpy.ma.nomask else obj.mask
            return masked, (obj.data, mask, obj.fill_value, obj.hardmask)
    return (
        "is a subclass of numpy.ndarray that may be more than memory: register it, or send numpy.asarray(it)"
    )


def _take_plain_apart(numpy: Any, obj: Any) -> Parts | str:
    described = describe(numpy, obj.dtype)
    if isinstance(described, str):
        return described
    if obj.dtype.itemsize == 0:
        return empty, (obj.shape, obj.dtype.str)
    return array, (_part_of(_exported(numpy, obj), bottom(obj)), *described)


def _exported(numpy: Any, obj: Any) -> memoryview:
    """Returns the memory of an array, as the best that the buffer protocol has words for."""
    for dtype in (_made_of(numpy, obj.dtype), numpy.dtype(f"V{obj.dtype.itemsize}")):
        try:
            view = memoryview(obj if dtype is obj.dtype else obj.view(dtype))
            if dtype.names is not None:
                numpy.asarray(view)  # what it writes it cannot always read: padding at the end, for one
        except (ValueError, RuntimeError):
            continue
        return view
    raise BufferError(f"an array of data type {obj.dtype} exports no buffer")


def _made_of(numpy: Any, dtype: Any) -> Any:
    """Returns a data type of the same size with numbers for points in time, which no buffer has."""
    if dtype.kind in "mM":
        return numpy.dtype(dtype.str[0] + "i8")
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return numpy.dtype((_made_of(numpy, base), shape))
    if dtype.names is None:
        return dtype
    fields = [dtype.fields[name] for name in dtype.names]
    made = [_made_of(numpy, field[0]) for field in fields]
    if all(new is field[0] for new, field in zip(made, fields, strict=True)):
        return dtype
    offsets = [field[1] for field in fields]
    return numpy.dtype(
        {"names": dtype.names, "formats": made, "offsets": offsets, "itemsize": dtype.itemsize}
    )


def bottom(obj: Any) -> object:
    """Returns what has the memory of an array that is a view, however often; of anything else, that."""
    numpy = numpy_here()
    while isinstance(obj, numpy.ndarray):
        obj = obj.base
    return obj


def _take_scalar_apart(numpy: Any, obj: Any) -> Parts | str:
    if type(obj).__module__.partition(".")[0] != "numpy":
        return "is a subclass of a NumPy scalar: register it, or send its item()"
    described = describe(numpy, obj.dtype)
    if isinstance(described, str):
        return described
    item = obj.item() if obj.dtype.char in _PLAIN else None
    return scalar, (obj.tobytes(), item, described[0] or obj.dtype.str)


def _take_dtype_apart(numpy: Any, obj: Any) -> Parts | str:
    described = describe(numpy, obj)
    return described if isinstance(described, str) else (dtype, (described[0] or obj.str,))


def describe(numpy: Any, dtype: Any) -> tuple[object] | str:
    """Returns what makes an equal data type, None if the buffer protocol says it all; or why nothing does."""
    if dtype in _descriptions:
        return (_descriptions[dtype],)
    if dtype.hasobject:
        return f"has the data type {dtype}, which is of references to objects of its own interpreter"
    description = None if dtype.char in _PLAIN else _description(numpy, dtype)
    if description is not None and make_dtype(numpy, description) != dtype:
        return f"has the data type {dtype}, which cannot be described"
    if len(_descriptions) < 1000:
        _descriptions[dtype] = description
    return (description,)


def _description(numpy: Any, dtype: Any) -> object:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return _description(numpy, base), shape
    if dtype.names is None:
        return dtype.str
    fields = [dtype.fields[name] for name in dtype.names]
    description = {
        "names": list(dtype.names),
        "formats": [_description(numpy, field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "titles": [field[2] if len(field) > 2 else None for field in fields],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }
    return ("record", description) if dtype.type is getattr(numpy, "record", None) else description


def make_dtype(numpy: Any, description: Any) -> Any:
    """Returns the data type that was described."""
    if isinstance(description, tuple) and description[0] == "record":
        return numpy.dtype((numpy.record, make_dtype(numpy, description[1])))
    return numpy.dtype(description)


def array(view: memoryview | SharedBuffer, description: object) -> object:
    """Returns an array over the memory where NumPy is loaded; elsewhere what will be one where it is."""
    numpy = numpy_here()
    if numpy is None:
        return _array_of(view, repr(description))
    arrived = numpy.asarray(view)
    return arrived if description is None else arrived.view(make_dtype(numpy, description))


def arrived(buffer: SharedBuffer, dtype: str) -> object:
    """Returns what was an array, of this description, as one where NumPy is loaded."""
    if numpy_here() is None:
        return buffer
    from ast import literal_eval

    return array(buffer, literal_eval(dtype))


def empty(shape: tuple[int, ...], description: object) -> object:
    """Returns an array of items without any bytes."""
    numpy = _needed("an array of items without bytes")
    return numpy.empty(shape, make_dtype(numpy, description))


def viewed(base: Any, name: str) -> object:
    """Returns the array as one of NumPy's subclasses; where NumPy is not loaded, the memory itself."""
    numpy = numpy_here()
    if numpy is None:
        return base
    return base.view(numpy.char.chararray if name == "chararray" else getattr(numpy, name))


def masked(data: object, mask: object, fill_value: object, hard_mask: bool) -> object:
    """Returns a masked array over the memory of both arrays."""
    numpy = _needed("a masked array")
    mask = numpy.ma.nomask if mask is None else mask
    return numpy.ma.MaskedArray(data, mask, fill_value=fill_value, hard_mask=hard_mask)


def scalar(data: bytes, item: object, description: object) -> object:
    """Returns the scalar where NumPy is loaded; elsewhere the equal object of Python, if there is one."""
    numpy = numpy_here()
    if numpy is None and item is not None:
        return item
    numpy = _needed(f"a scalar of data type {description}")
    dtype = make_dtype(numpy, description)
    return (numpy.ndarray((), dtype, data) if dtype.itemsize else numpy.zeros((), dtype))[()]


def dtype(description: object) -> object:
    """Returns the data type."""
    return make_dtype(_needed("a data type"), description)


def _needed(what: str) -> Any:
    numpy = numpy_here()
    if numpy is None:
        raise ImportError(f"{what} of NumPy can only arrive where NumPy is loaded", name="numpy")
    return numpy
