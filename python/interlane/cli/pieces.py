"""Cuts files into jobs: whole files, blocks that end at line ends, or batches of lines."""

# ruff: noqa: PTH123

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from interlane.cli.content import Unreadable, shorter, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interlane.cli.inputs import Input
    from interlane.cli.worker import Job

_CHUNK = 1 << 16
_LARGEST_BATCH = 1 << 18


@dataclass(frozen=True, slots=True)
class Problem:
    """A piece that cannot become a job."""

    number: int
    path: str
    why: str


def jobs_of(inputs: Sequence[Input], by: str, block_size: int, workers: int) -> Iterator[Job | Problem]:
    """Yields numbered jobs, from 0 on without gaps, in the order of the inputs.

    Opens files only for lines and blocks, and reads them: a map of a file that somebody truncates meanwhile
    would end the process.
    """
    number = 0
    size = block_size if by == "block" else _batch_size(sum(given.size for given in inputs), workers)
    for given in inputs:
        if given.problem:
            yield Problem(number, given.path, given.problem)
            number += 1
        elif by == "file" or (by == "block" and given.size <= size):
            # A small file is one block: nothing to look at.
            yield number, given.path, 0, -1 if by == "file" else given.size, 1
            number += 1
        else:
            try:
                for offset, length, first_line in _pieces(given, size, count_lines=by == "line"):
                    yield number, given.path, offset, length, first_line
                    number += 1
            except Unreadable as error:
                yield Problem(number, given.path, str(error))
                number += 1


def _batch_size(total: int, workers: int) -> int:
    # Enough batches that all workers end at about the same time; a slow function on few lines gets them one
    # by one.
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
    while rest := file.readline(_CHUNK):
        length += len(rest)
        if rest.endswith(b"\n"):
            return length, newlines + 1
    return length, newlines
