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


class Socket:
    """A process that answers on a socket."""

    def __init__(self, pid: int, path: str) -> None:
        self.pid = pid
        self._path = path

    def look(self) -> Snapshot:
        """Returns what there is now. Raises ReachError."""
        end = time.monotonic() + PATIENCE
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(self._path)
                _check(connection, self.pid)
                return _read(connection, end, self.pid)
        except (FileNotFoundError, ConnectionError):
            # Also in the middle of an answer.
            raise self._gone() from None
        except TimeoutError:
            raise LateError(
                f"process {self.pid} has not answered for {PATIENCE:g} s: is it stopped?"
            ) from None
        except OSError as error:
            raise ReachError(
                f"process {self.pid} cannot be reached: {(error.strerror or str(error)).lower()}"
            ) from None

    def _gone(self) -> ReachError:
        # It takes its socket away before it ends.
        end = time.monotonic() + 1
        while finding.is_running(self.pid):
            if time.monotonic() > end:
                return ReachError(f"process {self.pid} does not answer any more")
            time.sleep(0.02)
        # It could not take its socket with it.
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108
        return GoneError(f"process {self.pid} has ended")


class Remote:
    """A process that is made to answer, wherever it runs Python code next."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._socket: Socket | None = None

    def look(self) -> Snapshot:
        """Returns what there is now. Raises ReachError."""
        if self._socket is not None:
            return self._socket.look()
        is_ours = _user_of(self.pid) == os.geteuid()
        folder = Path(tempfile.mkdtemp(prefix="interlane-top-"))
        is_over = True
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                path = folder / "answer"
                script = folder / "script.py"
                names = {"path": str(path), "script": str(script), "folder": str(folder)}
                script.write_text(_SCRIPT.format(patience=PATIENCE, **names), encoding="utf-8")
                listener.bind(str(path))
                listener.listen()
                if not is_ours:
                    # Root looks at somebody else's process, which has to find this.
                    folder.chmod(0o711)
                    script.chmod(0o644)
                    path.chmod(0o666)
                snapshot = self._ask(listener, script)
        except LateError:
            # It will be read some day, and had better be there; it takes itself away then.
            is_over = False
            raise
        finally:
            if is_over:
                shutil.rmtree(folder, ignore_errors=True)
        if "service" in snapshot:
            self._socket = Socket(self.pid, snapshot["service"])
        return snapshot

    def _ask(self, listener: socket.socket, script: Path) -> Snapshot:
        assert sys.version_info >= (3, 14)
        end = time.monotonic() + PATIENCE
        listener.settimeout(PATIENCE)
        try:
            sys.remote_exec(self.pid, str(script))
            connection, _ = listener.accept()
            with connection:
                _check(connection, self.pid)
                return _read(connection, end, self.pid)
        except TimeoutError:
            raise LateError(
                f"process {self.pid} runs no Python code at the moment, where it could answer: {_HINT}"
            ) from None
        except (OSError, RuntimeError) as error:
            if not finding.is_running(self.pid):
                raise GoneError(f"process {self.pid} has ended") from None
            why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            if "main thread" in why:
                why = "its newest interpreter runs nothing, and Python reaches no other one"
            raise ReachError(f"process {self.pid} cannot be reached ({why}): {_HINT}") from None


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


def _read(connection: socket.socket, end: float, pid: int) -> Snapshot:
    pieces: list[bytes] = []
    while True:
        connection.settimeout(max(end - time.monotonic(), 0.001))
        piece = connection.recv(1 << 16)
        if not piece:
            break
        pieces.append(piece)
    try:
        answer: Snapshot = json.loads(b"".join(pieces))
    except ValueError:
        raise ConnectionResetError("the answer broke off") from None
    if "error" in answer:
        raise ReachError(f"process {pid} answers: {answer['error']}")
    if answer.get("format") != FORMAT:
        raise ReachError(f"process {pid} has another version of interlane, whose answer has another form")
    return answer


def _user_of(pid: int) -> int:
    """Returns the user as whom a process opens files; this one, where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Uid:"):
                return int(line.split()[2])
    return os.geteuid()
