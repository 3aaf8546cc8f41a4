"""cloudpickle, but each class is made once in an interpreter.

In a file of its own: cloudpickle takes long to import.
"""

import io
from typing import Any

import cloudpickle

from interlane import _definitions


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # which has no types
    def reducer_override(self, obj: Any) -> Any:
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) == 6:
            make, args, state, *_, put = reduced
            origin = _definitions.origin_of(obj)
            made = (*origin, make, args)
            return _definitions.skeleton, made, (put, state), None, None, _definitions.fill
        return reduced


def dumps(obj: object) -> bytes:
    """Returns a pickle with everything in it that others could not import."""
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(obj)
    return file.getvalue()
