"""cloudpickle with shared memory beside. In a file of its own: cloudpickle takes long to import."""

import io
from typing import Any

import cloudpickle

from interlane._dask import parcels


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # which has no types
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.beside: list[object] = []

    def reducer_override(self, obj: Any) -> Any:
        if parcels.is_shared(obj):
            self.beside.append(obj)
            return parcels.take, (len(self.beside) - 1,)
        return super().reducer_override(obj)


def dumps(value: object) -> tuple[bytes, list[object]]:
    """Returns a pickle, and the memory that goes beside it."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    return file.getvalue(), pickler.beside
