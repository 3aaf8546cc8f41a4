"""Gets snapshots out of a process: from its socket, or by running a few lines in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

from interlane._serving import FORMAT
from interlane.cli.top import finding

# Seconds that a process may take to answer.
PATIENCE = 5.0
# Waits in between, each of which may turn out longer.
_SLICE = 0.05
_LATE = f"has not answered for {PATIENCE:g} s: is it stopped?"

# What runs in the process. When nobody listens any more it is too late, and nobody has to know.
_SCRIPT = """\
def answer():
    import json, os, socket
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout({patience})
        try:
            end.connect({path!r})
        except OSError:
            for name in ({path!r}, {script!r}):
                os.unlink(name)
            os.rmdir({folder!r})
            return
        try:
            from interlane._serving import answer_once
            found = answer_once()
        except Exception as error:
            found = {{"error": f"{{type(error).__name__}}: {{error}}"}}
        end.sendall(json.dumps(found).encode())
try:
    answer()
except OSError:
    pass
"""

type Snapshot = dict[str, Any]


class ReachError(Exception):
    """The process cannot be looked at; the text says why."""


class GoneError(ReachError):
    """The process has ended."""


class LateError(ReachError):
    """The process did not answer in time."""


class Reach(Protocol):
    """A way to look at a process."""

    pid: int

    def look(self) -> Snapshot:
        """Returns what there is now. Raises ReachError."""


def reach(pid: int) -> Reach:
    """Returns the way to look at a process. Raises ReachError when there is none."""
    if not finding.is_running(pid):
        raise GoneError(f"there is no process {pid}")
    path = finding.socket_of(pid)
    if path is not None:
        return Socket(pid, path)
    tag = finding.loaded_by(pid)
    if tag == "":
        raise ReachError(f"process {pid} does not use interlane: {finding.command_of(pid) or 'no command'}")
    if sys.version_info < (3, 14):
        raise ReachError(f"process {pid} does not let itself be looked at: {_HINT}")
    if tag is not None and not finding.is_remote(tag):
        raise ReachError(f"process {pid} runs {tag}, not {sys.implementation.cache_tag}: {_HINT}")
    return Remote(pid)


_HINT = "start it with INTERLANE_TOP=1, or let it call interlane.serve_inspection()"


class _Waiting:
    """How much longer to wait for a process.

    It counts slices and looks at no clock: where the machine stops everybody for a while, or is slow for
    everybody, they take longer, and the process has the time that it needs.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._left = round(PATIENCE / _SLICE)

    def goes_on(self) -> bool:
        """Tells, after a slice in vain, whether there is another. Raises GoneError when the process ended."""
        if not finding.is_running(self.pid):
            raise GoneError(f"process {self.pid} has ended")
        self._left -= 1
        return self._left > 0


class Socket:
    """A process that answers on a socket."""

    def __init__(self, pid: int, path: str) -> None:
        self.pid = pid
        self._path = path

    def look(self) -> Snapshot:
        """Returns what there is now. Raises ReachError."""
        waiting = _Waiting(self.pid)
        try:
            while True:
                try:
                    return self._ask(waiting)
                except BlockingIOError:
                    # Those who asked before are waiting too, or have left their questions.
                    late = _LATE
                except (FileNotFoundError, ConnectionError):
                    # It takes the socket away before it ends, and has one before it listens; a reader who was
                    # too slow for it gets half an answer.
                    late = "does not answer any more"
                time.sleep(_SLICE)
                if not waiting.goes_on():
                    raise LateError(f"process {self.pid} {late}")
        except GoneError:
            # It could not take its socket with it.
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108
            raise
        except TimeoutError:
            raise LateError(f"process {self.pid} {_LATE}") from None
        except OSError as error:
            raise ReachError(
                f"process {self.pid} cannot be reached: {(error.strerror or str(error)).lower()}"
            ) from None

    def _ask(self, waiting: _Waiting) -> Snapshot:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.setblocking(False)
            connection.connect(self._path)
            _check(connection, self.pid)
            return _read(connection, waiting)


class Remote:
    """A process that is made to answer, wherever it runs Python code next."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._socket: Socket | None = None
        self._question: _Question | None = None

    def look(self) -> Snapshot:
        """Returns what there is now. Raises ReachError."""
        if self._socket is not None:
            return self._socket.look()
        waiting = _Waiting(self.pid)
        # The process runs the newest script only: one that it has not run yet stays the one.
        if self._question is None:
            self._question = _Question(self.pid)
        try:
            snapshot = self._answer(self._question, waiting)
        except GoneError:
            self._question.close()
            raise
        if "service" in snapshot:
            self._socket = Socket(self.pid, snapshot["service"])
        return snapshot

    def _answer(self, question: _Question, waiting: _Waiting) -> Snapshot:
        with question.accept(waiting) as connection:
            self._question = None
            question.close()
            try:
                _check(connection, self.pid)
                return _read(connection, waiting)
            except (TimeoutError, ConnectionError):
                while waiting.goes_on():
                    time.sleep(_SLICE)
                raise LateError(f"process {self.pid} {_LATE}") from None


class _Question:
    """A script that a process will run some day, and the socket on which it is to answer."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._folder = Path(tempfile.mkdtemp(prefix="interlane-top-"))
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._ask()
        except (OSError, RuntimeError) as error:
            self.close()
            if not finding.is_running(pid):
                raise GoneError(f"process {pid} has ended") from None
            why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            if "main thread" in why:
                why = "its newest interpreter runs nothing, and Python reaches no other one"
            raise ReachError(f"process {pid} cannot be reached ({why}): {_HINT}") from None

    def _ask(self) -> None:
        assert sys.version_info >= (3, 14)
        path = self._folder / "answer"
        script = self._folder / "script.py"
        names = {"path": str(path), "script": str(script), "folder": str(self._folder)}
        script.write_text(_SCRIPT.format(patience=PATIENCE, **names), encoding="utf-8")
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(_SLICE)
        if _user_of(self._pid) != os.geteuid():
            # Root looks at somebody else's process, which has to find this.
            self._folder.chmod(0o711)
            script.chmod(0o644)
            path.chmod(0o666)
        sys.remote_exec(self._pid, str(script))

    def accept(self, waiting: _Waiting) -> socket.socket:
        """Returns the connection on which the answer comes. Raises ReachError."""
        while True:
            try:
                return self._listener.accept()[0]
            except TimeoutError:
                if not waiting.goes_on():
                    why = "runs no Python code at the moment, where it could answer"
                    raise LateError(f"process {self._pid} {why}: {_HINT}") from None

    def close(self) -> None:
        """Takes all of it away. One that the process may still read had better be there."""
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _check(connection: socket.socket, pid: int) -> None:
    """Makes sure of who is at the other end, where the system tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return
    size = struct.calcsize("3i")
    peer, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, size))
    # 0 is a process in another namespace, whose number means nothing here.
    if peer not in (0, pid):
        raise ReachError(f"process {peer} answers in place of process {pid}")


def _read(connection: socket.socket, waiting: _Waiting) -> Snapshot:
    pieces: list[bytes] = []
    connection.settimeout(_SLICE)
    while True:
        try:
            piece = connection.recv(1 << 16)
        except TimeoutError:
            if not waiting.goes_on():
                raise
            continue
        if not piece:
            break
        pieces.append(piece)
    try:
        answer: Snapshot = json.loads(b"".join(pieces))
    except ValueError:
        raise ConnectionResetError("the answer broke off") from None
    if "error" in answer:
        raise ReachError(f"process {waiting.pid} answers: {answer['error']}")
    if answer.get("format") != FORMAT:
        text = "has another version of interlane, whose answer has another form"
        raise ReachError(f"process {waiting.pid} {text}")
    return answer


def _user_of(pid: int) -> int:
    """Returns the user as whom a process opens files; this one, where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Uid:"):
                return int(line.split()[2])
    return os.geteuid()
