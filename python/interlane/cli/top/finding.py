"""Which programs there are: those with a socket, and those that have loaded interlane."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from interlane._serving import folder

# As `_core.cpython-314-x86_64-linux-gnu.so`.
_EXTENSION = re.compile(r"/interlane/_core\.(\w+-\d+)")

# Characters of a command line.
_MOST = 200

_SOCKET = re.compile(r"/interlane(?:-\d+)?/(\d+)\.sock$")


class Program(NamedTuple):
    """A process that uses interlane."""

    pid: int
    how: str
    """How it can be looked at: 'socket', 'remote_exec' or 'no'."""
    command: str


def programs() -> list[Program]:
    """Returns the programs that use interlane, as far as this user can see them."""
    found: dict[int, str] = {}
    for pid, path in serving().items():
        if is_running(pid):
            found[pid] = "socket"
        else:
            # A process that was killed could not take it away.
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
    with contextlib.suppress(OSError):
        for entry in Path("/proc").iterdir():
            pid = int(entry.name) if entry.name.isdecimal() else 0
            if pid and pid not in found and (tag := loaded_by(pid)):
                found[pid] = "remote_exec" if is_remote(tag) else "no"
    # This one is not worth a look.
    found.pop(os.getpid(), None)
    return [Program(pid, how, command_of(pid)) for pid, how in sorted(found.items())]


def socket_of(pid: int) -> str | None:
    """Returns the path of a process's socket, if it has one."""
    return serving().get(pid)


def is_running(pid: int) -> bool:
    """Tells whether there is such a process; one that has ended, but was not waited for, is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return state.split()[0] not in "ZX"
    return True


def loaded_by(pid: int) -> str | None:
    """Returns what tells Python's versions apart in the name of interlane's extension, if a process has it.

    It is empty if the process does not have it, and None where that cannot be known.
    """
    try:
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = _EXTENSION.search(maps)
    return "" if found is None else found[1]


def is_remote(tag: str) -> bool:
    """Tells whether `sys.remote_exec` works here for a process with that tag: both need the same version."""
    return sys.version_info >= (3, 14) and tag == sys.implementation.cache_tag


def descends(pid: int, ancestor: int) -> bool:
    """Tells whether a process was started by another one, or by one that was, and so on."""
    seen: set[int] = set()
    while pid > 1 and pid not in seen:
        seen.add(pid)
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        pid = int(status.rpartition(")")[2].split()[1])
        if pid == ancestor:
            return True
    return False


def command_of(pid: int) -> str:
    """Returns the command line of a process, or nothing."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        # A program that was given with -c has lines.
        return " ".join(text.replace("\0", " ").split())[:_MOST]
    return ""


def serving() -> dict[int, str]:
    """Returns the sockets by process. The folder depends on a program's environment, the system knows all."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for entry in folder().iterdir():
            if match := _SOCKET.search(str(entry)):
                found[int(match[1])] = str(entry)
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines():
            path = line.partition("/")[1] + line.partition("/")[2]
            if match := _SOCKET.search(path):
                found[int(match[1])] = path
    return found
