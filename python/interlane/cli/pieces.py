"""Cuts files into jobs: whole files, blocks that end at line ends, or batches of lines or records."""

# ruff: noqa: PTH123

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from interlane.cli.content import Unreadable, shorter, why_not
from interlane.cli.streams import LONGEST_LINE, character_end, cuts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interlane.cli.inputs import Input
    from interlane.cli.worker import Job

_CHUNK = 1 << 16
_LARGEST_BATCH = 1 << 18


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes a job, and how many bytes of its file it takes up."""

    job: Job
    weight: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A piece that cannot become a job, with the number of the line, if there is one."""

    number: int
    path: str
    why: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Cutting:
    """How files are cut: what a call gets, and how large blocks and batches of lines are."""

    by: str
    block_size: int
    batch_size: int
    delimiter: bytes
    json: bool

    def is_stream(self, given: Input) -> bool:
        """Tells whether a file has to be read from beginning to end by one thread, which cuts it."""
        return given.is_pipe or self.by == "record" or (bool(given.packing) and self.by != "file")

    def pieces_of(self, inputs: Sequence[Input]) -> Iterator[Piece | Problem]:
        """Yields pieces with numbers from 0 on without gaps, in the order of the inputs.

        Opens files only if they have to be cut, and reads them: a map of a file that somebody truncates
        meanwhile would end the process.
        """
        number = 0
        for given in inputs:
            if given.problem:
                yield Problem(number, given.path, given.problem)
                number += 1
                continue
            try:
                for piece in self._pieces_of(given, number):
                    yield piece
                    number += 1
            except Unreadable as error:
                yield Problem(number, given.path, str(error), error.line)
                number += 1

    def _pieces_of(self, given: Input, number: int) -> Iterator[Piece]:
        size = self.block_size if self.by == "block" else self.batch_size
        if self.is_stream(given):
            cuts = cuts_of(given, self.by, size, self.delimiter, is_json=self.json)
            for index, (offset, first, form, data, used) in enumerate(cuts, number):
                length = -1 if self.by == "file" else len(data)
                yield Piece((index, given.path, offset, length, first, form, data), used)
        elif self.by == "file":
            yield Piece((number, given.path, 0, -1, 1, given.packing, None), given.size)
        elif self.by == "block" and given.size <= size:
            # One block: nothing to look at.
            yield Piece((number, given.path, 0, given.size, 1, "", None), given.size)
        else:
            pieces = _pieces(given, size, count_lines=self.by == "line")
            for index, (offset, length, first_line) in enumerate(pieces, number):
                yield Piece((index, given.path, offset, length, first_line, "", None), length)


def batch_size(total: int, workers: int) -> int:
    """Returns how large batches of lines should be.

    There are enough of them that all workers end at about the same time; a slow function on few lines gets
    them one by one.
    """
    return max(1, min(_LARGEST_BATCH, total // (workers * 32)))


def _pieces(given: Input, size: int, *, count_lines: bool) -> Iterator[tuple[int, int, int]]:
    offset, line = 0, 1
    try:
        with open(given.path, "rb", buffering=_CHUNK) as file:
            while True:
                length, newlines = _to_line_end(file, size, count_lines=count_lines)
                if not length:
                    break
                yield offset, length, line
                offset += length
                line += newlines
    except OSError as error:
        raise Unreadable(why_not(error)) from None
    if offset < given.size:
        raise Unreadable(shorter(given.size, offset))


def _to_line_end(file: IO[bytes], size: int, *, count_lines: bool) -> tuple[int, int]:
    """Goes on by at least `size` bytes and then to the end of the line; returns bytes and newlines passed."""
    length = newlines = 0
    if count_lines:
        while length < size and (chunk := file.read(min(_CHUNK, size - length))):
            length += len(chunk)
            newlines += chunk.count(b"\n")
            if length == size and chunk.endswith(b"\n"):
                return length, newlines
    else:
        start = file.tell()
        length = min(size, file.seek(0, 2) - start)
        file.seek(start + max(length - 1, 0))
        if file.read(1) == b"\n":
            return length, 0
    # In steps: there are files without any line end.
    longest = length + LONGEST_LINE
    while rest := file.readline(_CHUNK):
        length += len(rest)
        if rest.endswith(b"\n"):
            return length, newlines + 1
        if not count_lines and length >= longest:
            back = len(rest) - character_end(rest)
            file.seek(-back, 1)
            return length - back, newlines
    return length, newlines
