"""What `--resume` keeps: the results of the jobs that are done, so that a run that was killed can go on.

A line of JSON says which run it is, and one follows for each job that ended without a failure. Lines are
written whole: of a process that is killed only the last can be incomplete, and that one is dropped.
"""

# ruff: noqa: PTH123

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from interlane.cli.worker import Answer

_FORMAT = "interlane map --resume, 1"


class JournalError(Exception):
    """A run cannot go on from this file; the text says why."""


class Journal:
    """The file, and where in it the answer to each job is."""

    def __init__(self, path: str, identity: dict[str, object]) -> None:
        """Opens or makes the file. `identity` has to be the same when a run goes on, except for `batch_size`.

        Raises `JournalError`.
        """
        self.path = path
        self.identity = identity
        self._places: dict[int, int] = {}
        self._end = 0
        try:
            # Not truncated: it may be of another run, or no journal at all.
            self._file: BinaryIO = open(path, "a+b", buffering=0)  # noqa: SIM115
            self._lock()
            self._read()
        except OSError as error:
            raise JournalError(f"cannot use {path!r}: {(error.strerror or str(error)).lower()}") from None

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalError(f"{self.path!r} is in use by another run") from None

    def _read(self) -> None:
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            head = lines.readline()
            if not head:
                self._append({"journal": _FORMAT, **self.identity})
                return
            self._check(head)
            self._end = len(head)
            for line in lines:
                number = _number(line)
                if number is None:
                    break
                self._places[number] = self._end
                self._end += len(line)
        self._file.truncate(self._end)

    def _check(self, head: bytes) -> None:
        before: dict[str, object] = {}
        try:
            before = json.loads(head)
            is_ours = before.pop("journal") == _FORMAT
        except (ValueError, LookupError, AttributeError, TypeError):
            is_ours = False
        if not is_ours:
            raise JournalError(f"{self.path!r} is not a file of --resume")
        for name, value in self.identity.items():
            if name != "batch_size" and before.get(name) != value:
                raise JournalError(
                    f"{self.path!r} is of another run: {_differs(name, before.get(name), value)}"
                )
        self.identity = before

    def _append(self, record: object) -> None:
        line = memoryview(json.dumps(record, ensure_ascii=True).encode() + b"\n")
        while line:
            written = self._file.write(line)
            self._end += written
            line = line[written:]

    @property
    def count(self) -> int:
        """How many jobs are known to be done."""
        return len(self._places)

    def has(self, number: int) -> bool:
        """Tells whether an earlier run has done a job."""
        return number in self._places

    def find(self, number: int) -> Answer | None:
        """Returns the answer to a job if an earlier run has it."""
        place = self._places.get(number)
        if place is None:
            return None
        self._file.seek(place)
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            number, items, nbytes, text = json.loads(lines.readline())
        return number, items, nbytes, text, []

    def add(self, answer: Answer) -> None:
        """Notes an answer, unless something failed: that is tried again. Raises `JournalError`."""
        if answer[4]:
            return
        try:
            self._append(answer[:4])
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise JournalError(f"cannot write {self.path!r}: {why}") from None

    def remove(self) -> None:
        """Removes the file: there is nothing left to do."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108
        self._file.close()


def _number(line: bytes) -> int | None:
    """Returns the number of the job that a line is about; None when the line is not whole."""
    if not line.endswith(b"]\n"):
        return None
    try:
        return int(line[1 : line.index(b",")])
    except ValueError:
        return None


def _differs(name: str, before: object, now: object) -> str:
    if name == "inputs":
        return "the input files have changed"
    return f"its {name} was {before}, not {now}"
