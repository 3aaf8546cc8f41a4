"""Where results go: standard output, or a file that appears when it is complete."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from typing import IO


class OutputError(Exception):
    """The output cannot be written; the text says why."""


class OutputClosedError(Exception):
    """Whoever read the output has gone."""


class Output:
    r"""Text, written as UTF-8. What UTF-8 cannot express (stray bytes of a file name) becomes `\udc80`."""

    def __init__(self, file: IO[bytes], name: str, moves: tuple[str, str] | None = None) -> None:
        self._file = file
        self._name = name
        # From a temporary name to the final one, when the file is complete.
        self._moves = moves

    @property
    def is_terminal(self) -> bool:
        """Tells whether results and messages end up on the same screen."""
        return self._file.isatty()

    def write(self, text: str) -> None:
        """Writes the text, and lets a reader have it at once."""
        if not text:
            return
        try:
            self._file.write(text.encode("utf-8", "backslashreplace"))
            if self._moves is None:
                self._file.flush()
        except BrokenPipeError:
            raise OutputClosedError from None
        except OSError as error:
            raise _failure(self._name, error) from None

    def complete(self) -> None:
        """Puts the file in its place."""
        if self._moves is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(*self._moves)  # noqa: PTH105
        except OSError as error:
            self.discard()
            raise _failure(self._name, error) from None
        self._moves = None

    def discard(self) -> bool:
        """Leaves no trace of an incomplete file. Returns whether there was one."""
        if self._moves is None:
            return False
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._moves[0])  # noqa: PTH108
        self._moves = None
        return True


def open_output(path: str | None, part: str = "") -> Output:
    """Opens the file, or standard output for None and "-". Raises OutputError.

    `part` is the name of the incomplete file, in place of one that nobody has used before.
    """
    if path is None or path == "-":
        return Output(sys.stdout.buffer, "standard output")
    try:
        mode = _mode(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise OutputError(f"cannot write {path!r}: is a directory")
        if mode is not None and not stat.S_ISREG(mode):
            # A device or a pipe cannot be replaced.
            return Output(open(path, "wb"), path)  # noqa: PTH123
        # A link stays a link: what it points to is replaced.
        target = os.path.realpath(path)
        directory, name = os.path.split(target)
        if part:
            temporary = part
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        else:
            handle, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", suffix=".part", dir=directory)
        os.chmod(temporary, 0o666 & ~_umask() if mode is None else stat.S_IMODE(mode))  # noqa: PTH101
        return Output(os.fdopen(handle, "wb", buffering=1 << 20), path, (temporary, target))
    except OSError as error:
        raise _failure(path, error) from None


def part_of(path: str) -> str:
    """Returns the name of the incomplete file of a run with --resume: the next one replaces it."""
    directory, name = os.path.split(os.path.realpath(path))
    return os.path.join(directory, f".{name[:100]}.resume.part")  # noqa: PTH118


def forget_standard_output() -> None:
    """Keeps the interpreter from flushing, at its end, to a reader who has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except FileNotFoundError:
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _failure(name: str, error: OSError) -> OutputError:
    return OutputError(f"cannot write {name!r}: {(error.strerror or str(error)).lower()}")
