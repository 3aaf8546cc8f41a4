"""Reads pieces of files as `str`, `bytes` or `memoryview`.

A `memoryview` is the mapped file. `bytes` needs one copy out of the page cache in any case, and reading makes
just that one; large pieces of text are decoded straight from the map. Whatever keeps a piece from being read
is raised as `Unreadable`, in words for people.
"""

# ruff: noqa: PTH123
# (pathlib would double the start-up time of a worker.)

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

type Content = str | bytes | memoryview

# From here on, decoding from the map is cheaper than to read first: below, setting up and faulting in the map
# costs more than the copy.
_MAP_TEXT_FROM = 1 << 20


class Unreadable(Exception):  # noqa: N818  it is a fact about a file
    """A piece of a file cannot be had; `line` is where, or 0."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


def why_not(error: OSError) -> str:
    """Returns the operating system's reason, as it goes behind the name of a file."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def read_piece(path: str, offset: int, length: int, takes: str) -> tuple[Content, int]:
    """Returns `length` bytes from `offset` on (-1: all there is) as what `takes` says, and their number."""
    try:
        if takes == "memoryview":
            view = _mapped(path, offset, length)
            return view, len(view)
        data = _all_of(path) if takes == "str" and length < 0 else _read(path, offset, length)
    except OSError as error:
        raise Unreadable(why_not(error)) from None
    nbytes = len(data)
    if takes == "bytes":
        return data, nbytes
    try:
        return str(data, "utf-8"), nbytes
    except UnicodeDecodeError as error:
        raise _not_text(error, path, offset) from None


def lines_of(path: str, offset: int, length: int, takes: str) -> Iterator[Content | Unreadable]:
    r"""Returns the lines of a piece without their ends (`\n`, `\r\n`); `Unreadable` for what is not text.

    Raises `Unreadable` when the piece cannot be had.
    """
    try:
        if takes == "memoryview":
            return _lines_of_view(_mapped(path, offset, length))
        data = _read(path, offset, length)
    except OSError as error:
        raise Unreadable(why_not(error)) from None
    if takes == "bytes":
        return _split(data)
    try:
        lines = str(data, "utf-8").split("\n")
    except UnicodeDecodeError:
        return map(_decoded, _split(data))
    if not lines[-1]:
        lines.pop()
    return (line.removesuffix("\r") for line in lines)


def line_at(path: str, offset: int) -> int:
    """Returns the number of the line that starts at the offset; 0 when the file cannot be read any more."""
    line = 1
    try:
        with open(path, "rb") as file:
            while offset > 0 and (chunk := file.read(min(offset, 1 << 20))):
                line += chunk.count(b"\n")
                offset -= len(chunk)
    except OSError:
        return 0
    return line


def _read(path: str, offset: int, length: int) -> bytes:
    with open(path, "rb") as file:
        if offset:
            file.seek(offset)
        data = file.read(length)
    if len(data) < length:
        raise Unreadable(shorter(offset + length, offset + len(data)))
    return data


def _all_of(path: str) -> bytes | memoryview:
    with open(path, "rb") as file:
        if file.seek(0, 2) < _MAP_TEXT_FROM:
            file.seek(0)
            return file.read()
    return _mapped(path, 0, -1)


def _mapped(path: str, offset: int, length: int) -> memoryview:
    import mmap

    with open(path, "rb") as file:
        size = file.seek(0, 2)
        if length < 0:
            length = size - offset
        elif offset + length > size:
            raise Unreadable(shorter(offset + length, size))
        if length == 0:
            # There is no such thing as a map of nothing.
            return memoryview(b"")
        start = offset - offset % mmap.ALLOCATIONGRANULARITY
        try:
            area: mmap.mmap = mmap.mmap(
                file.fileno(), offset + length - start, access=mmap.ACCESS_READ, offset=start
            )
        except ValueError as error:
            raise Unreadable(f"cannot be mapped: {error}") from None
    # Never closed: the function may keep the view, and the map goes with the last one.
    return memoryview(area)[offset - start :]


def shorter(expected: int, size: int) -> str:
    """Returns what to say of a file that lost its end."""
    return f"has become shorter while it was read: {size} bytes where {expected} were expected"


def _split(data: bytes) -> Iterator[bytes]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for line in lines:
        yield line.removesuffix(b"\r")


def _lines_of_view(view: memoryview) -> Iterator[memoryview]:
    area: mmap = view.obj  # type: ignore[assignment]
    if not len(view):
        return
    # The view ends where the map ends; `find` works on the map.
    skipped = len(area) - len(view)
    start, stop = skipped, len(area)
    while start < stop:
        end = area.find(b"\n", start)
        if end < 0:
            end = stop
        upto = end - 1 if end > start and area[end - 1] == ord("\r") else end
        yield view[start - skipped : upto - skipped]
        start = end + 1


def _decoded(line: bytes) -> str | Unreadable:
    try:
        return str(line, "utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(f"not valid UTF-8: byte 0x{line[error.start]:02x} in column {error.start + 1}")


def _not_text(error: UnicodeDecodeError, path: str, offset: int) -> Unreadable:
    where = offset + error.start
    line = 1 + error.object.count(b"\n", 0, error.start)
    if offset:
        line = line_at(path, offset) + line - 1
    return Unreadable(f"not valid UTF-8: byte 0x{error.object[error.start]:02x} at offset {where}", line)
