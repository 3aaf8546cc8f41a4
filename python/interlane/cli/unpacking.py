"""Compressed files, known by their names."""

# ruff: noqa: PTH123
# (pathlib would double the start-up time of a worker.)

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# By suffix: the module that reads it.
_MODULES = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma", ".zst": "compression.zstd"}


def packing_of(path: str) -> str:
    """Returns the module that unpacks a file of this name, "" for none."""
    return next((module for suffix, module in _MODULES.items() if path.endswith(suffix)), "")


class CannotUnpackError(Exception):
    """A compressed file cannot be read; the text says why."""


class Unpacked:
    """What is in a compressed file, from beginning to end.

    An OSError is about the file, CannotUnpackError about its contents.
    """

    def __init__(self, path: str, packing: str) -> None:
        try:
            module = __import__(packing, fromlist=["open"])
        except ImportError:
            what = packing.rpartition(".")[2]
            raise CannotUnpackError(f"cannot be decompressed: this Python has no {what}") from None
        self._raw: BinaryIO = open(path, "rb", buffering=1 << 16)  # noqa: SIM115
        self._file: BinaryIO = module.open(self._raw, "rb")

    def read(self, size: int = -1) -> bytes:
        """Returns at most `size` bytes, all that is left for -1, and b"" at the end."""
        try:
            return self._file.read(size)
        except EOFError:
            raise CannotUnpackError("cannot be decompressed: it is incomplete") from None
        except Exception as error:
            # Each module has classes of its own for this, and some use OSError. An error of the operating
            # system has a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise CannotUnpackError(f"cannot be decompressed: {str(error).lower()}") from None

    def consumed(self) -> int:
        """Returns how many bytes of the compressed file have been read."""
        return self._raw.tell()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._raw.close()


def unpacked(path: str, packing: str) -> bytes:
    """Returns all that is in a compressed file. Raises OSError, CannotUnpackError."""
    file = Unpacked(path, packing)
    try:
        return file.read()
    finally:
        file.close()
