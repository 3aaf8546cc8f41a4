"""Lets `interlane top` look at this process: a socket that answers with what `interlane.inspect()` sees.

Whoever connects gets one JSON object and the end of the stream. The socket is in a folder that only its user
may enter. A daemon thread of the main interpreter answers; it sleeps in `select`, and is told to end before
anything else of the process does.
"""

import atexit
import contextlib
import json
import os
import selectors
import socket
import stat
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

from interlane import _core, _inspect

__all__ = ["FORMAT", "answer_once", "folder", "serve_inspection", "snapshot"]

FORMAT = 1
"""The number of the answer's form."""

_MOST_SHARES = 500
# Seconds that somebody who connects may take to read the answer.
_PATIENCE = 1.0
# What a socket's path may be long, on all systems.
_LONGEST = 100


def serve_inspection() -> str:
    """Lets `interlane top` look at this process, from now on, and returns the path of the socket.

    Does nothing more when it is called again. With `INTERLANE_TOP=1` in the environment, importing interlane
    calls it. Only this user (and root) can connect. A child made with `os.fork` has to call it anew.

    Raises RuntimeError in an interpreter that is not the main one, and OSError when there can be no socket.
    """
    global _service
    if not _is_main():
        raise RuntimeError("serve_inspection() works in the main interpreter only")
    with _lock:
        if _service is None:
            _service = _Service()
        return _service.path


def serve_if_possible() -> None:
    """Does what `INTERLANE_TOP=1` asks for: serves, if this is the main interpreter. Warns if it cannot."""
    if _is_main():
        try:
            serve_inspection()
        except OSError as error:
            import warnings

            warnings.warn(f"interlane top cannot look at this process: {error}", RuntimeWarning, stacklevel=2)


def snapshot() -> dict[str, object]:
    """Returns what `interlane top` shows, as JSON has it."""
    now = _inspect.inspect()
    shares = sorted(_core.shares(), key=lambda share: share.nbytes, reverse=True)
    owned = dict.fromkeys((share.owner for share in shares), 0)
    for share in shares:
        owned[share.owner] += share.nbytes
    return {
        "format": FORMAT,
        "pid": os.getpid(),
        "python": sys.version.split()[0],
        "argv": sys.orig_argv,
        "time": time.time(),
        "interpreters": [asdict(it) | {"nbytes": owned.get(it.id, 0)} for it in now.interpreters],
        **{name: [asdict(it) for it in getattr(now, name)] for name in _TABLES},
        # The largest ones: `stats` has how many there are.
        "shares": [_record(share) for share in shares[:_MOST_SHARES]],
        "stats": _record(_core.stats()),
        # By `threading.get_ident()`, those of this interpreter.
        "threads": {str(thread.ident): thread.name for thread in threading.enumerate()},
    }


_TABLES = ("channels", "locks", "waits", "cycles")


def _record(values: _core.ShareRecord | _core.Stats) -> dict[str, object]:
    return {name: getattr(values, name) for name in values.__match_args__}


def answer_once() -> dict[str, object]:
    """Answers a program that runs this here with `sys.remote_exec`; `service` is where it can ask again."""
    with contextlib.suppress(RuntimeError, OSError):
        return {**snapshot(), "service": serve_inspection()}
    return snapshot()


def folder() -> Path:
    """Returns the folder for the sockets of this user's programs, which need not be there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir() and len(runtime) < _LONGEST // 2:
        return Path(runtime, "interlane")
    place = tempfile.gettempdir()
    return Path(place if len(place) < _LONGEST // 2 else "/tmp", f"interlane-{os.getuid()}")


def _is_main() -> bool:
    from interlane import interpreters

    return interpreters.get_current() == interpreters.get_main()


class _Service:
    """The socket, its thread, and what ends both."""

    def __init__(self) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("this system has no Unix sockets")
        home = folder()
        home.mkdir(mode=0o700, exist_ok=True)
        found = home.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise OSError(f"{str(home)!r} is not a folder that only its user may enter")
        self.path = str(home / f"{os.getpid()}.sock")
        # Left by a process that had the same number.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)  # noqa: PTH108
        self._listener = socket.socket(socket.AF_UNIX)
        self._waker, self._woken = socket.socketpair()
        try:
            self._listener.bind(self.path)
            self._listener.listen()
            self._listener.setblocking(False)
        except OSError:
            self.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="interlane-inspection", daemon=True)
        self._thread.start()
        atexit.register(self._end)

    def close(self) -> None:
        """Closes all descriptors: after a `fork`, without the thread, or when it has ended."""
        for end in (self._listener, self._waker, self._woken):
            end.close()

    def _end(self) -> None:
        if _service is not self:
            # A forked child has the callbacks of its parent.
            return
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108
        self._waker.send(b"x")
        # It is at rest, or busy with an answer that a slow reader may hold up for that long.
        self._thread.join(_PATIENCE + 1)

    def _serve(self) -> None:
        # A program that becomes a daemon may close all descriptors: then this is over.
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                with contextlib.suppress(OSError):
                    self._answer()

    def _answer(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(_PATIENCE)
            try:
                answer = snapshot()
            except Exception as error:
                # The thread goes on, and whoever asked learns why there is nothing.
                answer = {"format": FORMAT, "error": f"{type(error).__name__}: {error}"}
            connection.sendall(json.dumps(answer).encode())


def _forked() -> None:
    global _service, _lock
    _lock = threading.Lock()
    if _service is not None:
        _service.close()
        _service = None


_service: _Service | None = None
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
