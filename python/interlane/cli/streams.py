"""Cuts what cannot be addressed by offset: standard input, pipes, compressed files, and records of any file.

Pieces carry their data.
"""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Protocol

from interlane.cli.content import LINES, VALUES, Unreadable, why_not
from interlane.cli.json_values import Cutter, is_value_per_line
from interlane.cli.unpacking import CannotUnpackError, Unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interlane.cli.inputs import Input

_SNIFF = 1 << 16
_LARGEST = 1 << 18
_AS_LARGE = 32

# A block that finds no line end within so many bytes after its size ends there.
LONGEST_LINE = 1 << 24

# Offset, number of the first line or record, what to expect (as in a job), the data, bytes of the file used.
type Cut = tuple[int, int, str, bytes, int]


class Reader(Protocol):
    """What a stream is read with."""

    def read(self, size: int = -1) -> bytes:
        """Returns at most `size` bytes, all for -1; b"" at the end."""

    def consumed(self) -> int:
        """Returns how many bytes of the file have been used up."""

    def close(self) -> None:
        """Closes it."""


class Plain:
    """A file, or a pipe: what is there is returned as soon as there is something."""

    def __init__(self, path: str) -> None:
        # Not `sys.stdin`: a thread that is reading it when the process ends would abort that.
        self._number = 0 if path == "-" else os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._is_input = path == "-"
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        """Waits for something, and returns that and what comes at once."""
        chunks: list[bytes] = []
        missing = size
        while missing and (chunk := os.read(self._number, _LARGEST if size < 0 else min(missing, _LARGEST))):
            chunks.append(chunk)
            missing -= len(chunk)
            if size > 0 and missing and not self._has_more():
                break
        data = b"".join(chunks)
        self._count += len(data)
        return data

    def _has_more(self) -> bool:
        if sys.platform == "win32":
            return False
        return bool(select.select([self._number], [], [], 0)[0])

    def consumed(self) -> int:
        """Returns how many bytes have been read."""
        return self._count

    def close(self) -> None:
        """Closes the file; standard input stays open."""
        if not self._is_input:
            os.close(self._number)


class Peeked:
    """A reader whose first bytes have been looked at."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.head = b""
        self.complete = False

    def peek(self, size: int) -> None:
        """Reads ahead until there is so much, or all."""
        while len(self.head) < size and not self.complete:
            chunk = self._reader.read(size - len(self.head))
            self.head += chunk
            self.complete = not chunk

    def read(self, size: int) -> bytes:
        """Returns at most `size` bytes, or a little more at first."""
        if self.head:
            head, self.head = self.head, b""
            return head
        return self._reader.read(size)


def cuts_of(given: Input, by: str, block_size: int, delimiter: bytes, *, is_json: bool) -> Iterator[Cut]:
    """Opens a file and yields its pieces. Raises `Unreadable`, possibly after some."""
    try:
        reader: Reader = Unpacked(given.path, given.packing) if given.packing else Plain(given.path)
        try:
            used = 0
            for offset, first, form, data in _cuts(reader, by, block_size, delimiter, is_json=is_json):
                before, used = used, reader.consumed()
                yield offset, first, form, data, used - before
        finally:
            reader.close()
    except OSError as error:
        raise Unreadable(why_not(error)) from None
    except CannotUnpackError as error:
        raise Unreadable(str(error)) from None


def _cuts(
    reader: Reader, by: str, block_size: int, delimiter: bytes, *, is_json: bool
) -> Iterator[tuple[int, int, str, bytes]]:
    if by == "file":
        yield 0, 0, "", reader.read()
    elif by == "block":
        yield from _blocks(reader, block_size)
    elif not is_json:
        for offset, first, data in _records(reader, delimiter):
            yield offset, first, "", data
    else:
        peeked = Peeked(reader)
        peeked.peek(1)
        if not peeked.head.endswith(b"\n") or not _is_line(peeked.head):
            peeked.peek(_SNIFF)
        if is_value_per_line(peeked.head, complete=peeked.complete):
            for offset, first, data in _records(peeked, b"\n"):
                yield offset, first, LINES, data
        else:
            for data, line in Cutter(peeked.read).pieces(_sizes()):
                yield 0, line, VALUES, data


def _is_line(head: bytes) -> bool:
    """Tells whether one line is enough to know that they are lines; a first array may be all there is."""
    return not head.lstrip().startswith(b"[") and is_value_per_line(head, complete=False)


def _sizes() -> Iterator[int]:
    """Yields how large pieces should be: small at first, for a slow function with little to do."""
    size = 1
    while True:
        for _ in range(_AS_LARGE):
            yield size
        size = min(2 * size, _LARGEST)


def _records(reader: Reader | Peeked, delimiter: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields pieces that end with delimiters: offset, number of the first record, data."""
    rest = b""
    offset, number = 0, 1
    sizes = _sizes()
    size = next(sizes)
    # Where to look for the first delimiter: what comes before has been searched.
    searched = 0
    while chunk := reader.read(_LARGEST):
        rest += chunk
        start = 0
        # Delimiters are looked for from the beginning of a record on, so that of those that overlap, as in
        # three newlines in a row, the same ones count wherever a piece begins.
        while (end := rest.find(delimiter, max(start, searched))) >= 0:
            end += len(delimiter)
            count = 1
            if end - start < size:
                whole = rest[end : start + size].split(delimiter)
                end = min(start + size, len(rest)) - len(whole[-1])
                count += len(whole) - 1
            yield offset, number, rest[start:end]
            offset += end - start
            number += count
            start, searched = end, end
            size = next(sizes)
        rest = rest[start:]
        searched = max(0, len(rest) - len(delimiter) + 1)
    if rest:
        yield offset, number, rest


def _blocks(reader: Reader, size: int) -> Iterator[tuple[int, int, str, bytes]]:
    """Yields blocks of at least that size that end at line ends; one for an empty file."""
    rest = b""
    offset, line = 0, 1
    more = True
    while more:
        while len(rest) < size and more:
            chunk = reader.read(size - len(rest))
            more = bool(chunk)
            rest += chunk
        end = rest.find(b"\n", size - 1) + 1
        while not end and more:
            searched = len(rest)
            # By more and more, since each step copies what there is.
            chunk = reader.read(max(1 << 16, len(rest) // 4))
            more = bool(chunk)
            rest += chunk
            end = rest.find(b"\n", searched) + 1
            if not end and len(rest) >= size + LONGEST_LINE:
                end = character_end(rest)
        block = rest[:end] if end else rest
        if block or not offset:
            yield offset, line, "", block
        offset += len(block)
        line += block.count(b"\n")
        rest = rest[len(block) :]
    while rest:
        end = rest.find(b"\n", size - 1) + 1 or len(rest)
        yield offset, line, "", rest[:end]
        offset += end
        line += rest.count(b"\n", 0, end)
        rest = rest[end:]


def character_end(data: bytes) -> int:
    """Returns where the last character of UTF-8 that may be incomplete begins, or the end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            return len(data) - back
        if byte < 0x80:
            break
    return len(data)
