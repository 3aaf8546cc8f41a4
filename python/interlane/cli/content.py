"""Reads pieces of files as `str`, `bytes` or `memoryview`, and takes them apart.

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

    from interlane.cli.worker import Job

# What a function gets: content as it is, or a parsed JSON value.
type Content = str | bytes | memoryview
type Item = Content | object

# What a piece of JSON consists of: a value per line, or values that end where they end.
LINES, VALUES = "lines", "values"

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


def read_piece(job: Job, takes: str) -> tuple[Content, int]:
    """Returns the piece of a job as what `takes` says, and how many bytes it has."""
    data = _data(job, mapped=takes == "memoryview", whole=takes == "str")
    nbytes = len(data)
    if takes == "memoryview":
        return memoryview(data), nbytes
    if takes == "bytes":
        return bytes(data), nbytes
    try:
        return str(data, "utf-8"), nbytes
    except UnicodeDecodeError as error:
        raise _not_text(error, job) from None


def items_of(job: Job, takes: str, delimiter: bytes) -> Iterator[tuple[int, Item | Unreadable]]:
    r"""Returns the numbered lines or records of a job, without what ends them; `Unreadable` for broken ones.

    Lines may end with `\r\n` as well. Raises `Unreadable` when the piece cannot be had.
    """
    data = _data(job, mapped=takes == "memoryview")
    first, form = job[4], job[5]
    if form in {LINES, VALUES}:
        from interlane.cli.json_values import line_values, values

        return line_values(data, first, takes) if form == LINES else values(data, first, takes)
    if takes == "memoryview":
        return enumerate(_split_view(memoryview(data), delimiter), first)
    if takes == "bytes":
        return enumerate(split(bytes(data), delimiter), first)
    return enumerate(_split_text(bytes(data), delimiter), first)


def line_of(job: Job) -> int:
    """Returns the number of the line that a piece starts in; 0 when its file cannot be read any more."""
    _, path, offset, _, first, _, data = job
    if data is not None:
        return first
    line = 1
    try:
        with open(path, "rb") as file:
            while offset > 0 and (chunk := file.read(min(offset, 1 << 20))):
                line += chunk.count(b"\n")
                offset -= len(chunk)
    except OSError:
        return 0
    return line


def _data(job: Job, *, mapped: bool, whole: bool = False) -> bytes | memoryview:
    """Returns what is in a piece: from the job, from its file, or a view of the map of it.

    `whole` says that of a large file the map will do as well.
    """
    _, path, offset, length, _, packing, data = job
    if data is not None:
        return data
    try:
        if packing and packing not in {LINES, VALUES}:
            from interlane.cli.unpacking import CannotUnpackError, unpacked

            try:
                return unpacked(path, packing)
            except CannotUnpackError as error:
                raise Unreadable(str(error)) from None
        if mapped:
            return _mapped(path, offset, length)
        return _all_of(path) if whole and length < 0 else _read(path, offset, length)
    except OSError as error:
        raise Unreadable(why_not(error)) from None


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


def split(data: bytes, delimiter: bytes) -> Iterator[bytes]:
    """Yields what the delimiter ends; after the last one, only what is not empty."""
    items = data.split(delimiter)
    if not items[-1]:
        items.pop()
    if delimiter != b"\n":
        yield from items
        return
    for line in items:
        yield line.removesuffix(b"\r")


def _split_text(data: bytes, delimiter: bytes) -> Iterator[str | Unreadable]:
    try:
        items = str(data, "utf-8").split(str(delimiter, "utf-8"))
    except UnicodeDecodeError:
        return map(_decoded, split(data, delimiter))
    if not items[-1]:
        items.pop()
    return (line.removesuffix("\r") for line in items) if delimiter == b"\n" else iter(items)


def _split_view(view: memoryview, delimiter: bytes) -> Iterator[memoryview]:
    area: mmap | bytes = view.obj  # type: ignore[assignment]  # one of ours
    if not len(view):
        return
    # The view ends where the map ends; `find` works on the map.
    skipped = len(area) - len(view)
    start, stop = skipped, len(area)
    while start < stop:
        end = area.find(delimiter, start)
        if end < 0:
            end = stop
        upto = end
        if delimiter == b"\n" and end > start and area[end - 1] == ord("\r"):
            upto -= 1
        yield view[start - skipped : upto - skipped]
        start = end + len(delimiter)


def _decoded(item: bytes) -> str | Unreadable:
    try:
        return str(item, "utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(f"not valid UTF-8: byte 0x{item[error.start]:02x} in column {error.start + 1}")


def _not_text(error: UnicodeDecodeError, job: Job) -> Unreadable:
    where = job[2] + error.start
    line = line_of(job) + error.object.count(b"\n", 0, error.start)
    return Unreadable(f"not valid UTF-8: byte 0x{error.object[error.start]:02x} at offset {where}", line)
