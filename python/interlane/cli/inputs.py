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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Input:
    """One file, with the size that it had when it was found; or what is wrong with it."""

    path: str
    size: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Finder:
    """How directories are walked: the patterns of `--glob`, and a file to leave out (the output)."""

    patterns: Sequence[str] = ()
    leave_out: str | None = None
    _by_name: list[re.Pattern[str]] = field(default_factory=list)
    _by_path: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            compiled = re.compile(fnmatch.translate(pattern))
            (self._by_path if "/" in pattern else self._by_name).append(compiled)

    def find(self, paths: Sequence[str]) -> Iterator[Input]:
        """Yields the files that the paths stand for."""
        for path in paths:
            if os.path.lexists(path) or not glob.has_magic(path):
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
            yield Input(path, status.st_size)
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
                        yield Input(entry.path, entry.stat().st_size)
                except OSError as error:
                    yield Input(entry.path, problem=why_not(error))

    def _wanted(self, name: str, below: str) -> bool:
        if not self.patterns:
            return True
        relative = below + name
        return any(pattern.match(name) for pattern in self._by_name) or any(
            pattern.match(relative) for pattern in self._by_path
        )

    def _left_out(self, entry: os.DirEntry[str]) -> bool:
        return self.leave_out is not None and os.path.realpath(entry.path) == self.leave_out
