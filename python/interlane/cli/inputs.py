"""Finds the files to work on: as given, directories walked, globs expanded; always in the same order."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from interlane.cli.content import why_not
from interlane.cli.unpacking import packing_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


# Where a shell's `<(command)` is; other named pipes may have nobody who writes.
_PIPES = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


@dataclass(frozen=True, slots=True)
class Input:
    """One file, with the size and time that it had when it was found; or what is wrong with it."""

    path: str
    size: int = 0
    problem: str = ""
    changed: int = 0
    # The module that unpacks it, or "".
    packing: str = ""
    # It cannot be read again, and has no size.
    is_pipe: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """How directories are walked: the patterns of `--glob`, and files to leave out (the output)."""

    patterns: Sequence[str] = ()
    leave_out: Sequence[str] = ()
    decompress: bool = False
    _by_name: list[re.Pattern[str]] = field(default_factory=list)
    _by_path: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            compiled = re.compile(fnmatch.translate(pattern))
            (self._by_path if "/" in pattern else self._by_name).append(compiled)

    def find(self, paths: Sequence[str]) -> Iterator[Input]:
        """Yields the files that the paths stand for."""
        for path in paths:
            if path == "-":
                yield Input(path, is_pipe=True)
            elif os.path.lexists(path) or not glob.has_magic(path):
                yield from self._given(path)
            else:
                yield from self._expanded(path)

    def _expanded(self, pattern: str) -> Iterator[Input]:
        matches = sorted(glob.glob(pattern, recursive=True), key=lambda path: PurePath(path).parts)  # noqa: PTH207
        if not matches:
            yield Input(pattern, problem="no such file")
        # Two asterisks match what is in the directories too.
        walk = "**" not in pattern
        for path in matches:
            if walk or not os.path.isdir(path):  # noqa: PTH112
                yield from self._given(path)

    def _given(self, path: str) -> Iterator[Input]:
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            yield Input(path, problem=why_not(error))
            return
        except ValueError as error:
            yield Input(path, problem=str(error))
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._walked(path, "")
        elif stat.S_ISREG(status.st_mode):
            yield self._file(path, status)
        elif stat.S_ISFIFO(status.st_mode) and path.startswith(_PIPES):
            yield Input(path, is_pipe=True)
        else:
            yield Input(path, problem="is not a regular file")

    def _walked(self, directory: str, below: str) -> Iterator[Input]:
        try:
            with os.scandir(directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Input(directory, problem=why_not(error))
            return
        for entry in found:
            # Links to directories are not followed (they may lead in circles), links to files are.
            if entry.is_dir(follow_symlinks=False):
                yield from self._walked(entry.path, f"{below}{entry.name}/")
            elif self._wanted(entry.name, below):
                try:
                    if entry.is_file() and not self._left_out(entry):
                        yield self._file(entry.path, entry.stat())
                except OSError as error:
                    yield Input(entry.path, problem=why_not(error))

    def _file(self, path: str, status: os.stat_result) -> Input:
        packing = packing_of(path) if self.decompress else ""
        return Input(path, status.st_size, changed=status.st_mtime_ns, packing=packing)

    def _wanted(self, name: str, below: str) -> bool:
        if not self.patterns:
            return True
        relative = below + name
        return any(pattern.match(name) for pattern in self._by_name) or any(
            pattern.match(relative) for pattern in self._by_path
        )

    def _left_out(self, entry: os.DirEntry[str]) -> bool:
        return bool(self.leave_out) and os.path.realpath(entry.path) in self.leave_out
