"""What this Python and this system have of what interlane can use."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from interlane.cli.arguments import cpus

_XIDATA = ("_PyXIData_RegisterClass", "_PyCrossInterpreterData_RegisterClass")

# Prints how long it took to have interlane in an interpreter that is not the main one.
_CREATE = """
import time
from interlane import interpreters
start = time.perf_counter()
interp = interpreters.create()
created = time.perf_counter()
interp.exec("import interlane")
imported = time.perf_counter()
interp.close()
print(f"made in {(created - start) * 1e3:.1f} ms, interlane imported in {(imported - created) * 1e3:.1f} ms")
"""


class Part(NamedTuple):
    """Something that interlane uses where it is there, and does without where it is not."""

    name: str
    works: bool
    detail: str


def python() -> dict[str, object]:
    """Returns what this Python is."""
    return {
        "interlane": _interlane(),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "build": ", ".join([*platform.python_build(), platform.python_compiler()]),
        "executable": sys.executable,
        "gil": _gil(),
        "system": platform.platform(),
        "cpus": _cpus(),
    }


def parts() -> list[Part]:
    """Tries all that interlane can use."""
    return [
        _isolated(),
        _symbols(
            "types in the standard library's queues", _XIDATA, "only interlane's own channels carry its types"
        ),
        _symbols(
            "interpreter guards (PEP 788)",
            ("PyInterpreterGuard_FromView",),
            "interlane's own gates do it alone",
        ),
        _memory(),
        _eventfd(),
        _mappings(),
        *(_package(name, purpose) for name, purpose in _PACKAGES.items()),
    ]


_PACKAGES = {
    "rich": "tables on a terminal are drawn (interlane[cli])",
    "matplotlib": "interlane bench --chart (interlane[bench])",
    "cloudpickle": "lambdas and closures in InterpreterPoolExecutor",
    "numpy": "arrays arrive as arrays (interlane[numpy])",
    "distributed": "interlane.dask (interlane[dask])",
}


def _interlane() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("interlane")
    except PackageNotFoundError:
        return "not installed"


def _gil() -> str:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "one for each interpreter"
    enabled: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
    return "free-threaded build, the GIL is " + ("on" if enabled else "off")


def _cpus() -> str:
    usable, there = cpus(), os.cpu_count() or 1
    return f"{usable}" if usable == there else f"{usable} of {there} (affinity)"


def _isolated() -> Part:
    name = "interpreters with a GIL of their own"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CREATE], capture_output=True, text=True, timeout=60, check=True
        )
    except subprocess.TimeoutExpired:
        return Part(name, works=False, detail="not done after 60 s")
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
        return Part(name, works=False, detail=last[0])
    return Part(name, works=True, detail=done.stdout.strip())


def _symbols(name: str, symbols: tuple[str, ...], without: str) -> Part:
    try:
        import ctypes

        found = [symbol for symbol in symbols if hasattr(ctypes.pythonapi, symbol)]
    except (ImportError, AttributeError, OSError):
        return Part(name, works=False, detail="this Python has no ctypes to ask with")
    return Part(name, works=bool(found), detail=found[0] if found else f"not in this Python: {without}")


def _memory() -> Part:
    """Tells whether a `SharedBytes` is in a sealed file without a name, which others map again."""
    name = "shared pages (memfd, sealed, aliased)"
    try:
        import fcntl

        from interlane import SharedBytes

        shared = SharedBytes(bytes(1 << 22))
        handle = os.memfd_create("interlane-doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        finally:
            os.close(handle)
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        works = "memfd:interlane" in maps and len(shared) > 0
    except (ImportError, AttributeError, OSError) as error:
        return Part(name, works=False, detail=f"each interpreter has a copy: {error}")
    return Part(
        name, works, "a SharedBytes is the same memory everywhere" if works else "each interpreter has a copy"
    )


def _eventfd() -> Part:
    try:
        os.close(os.eventfd(0))
    except (AttributeError, OSError):
        return Part("eventfd", works=False, detail="event loops are woken through a pipe")
    return Part("eventfd", works=True, detail="event loops are woken with one system call")


def _mappings() -> Part:
    try:
        most = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return Part("mappings of a process", works=False, detail="the limit cannot be read")
    return Part(
        "mappings of a process", works=True, detail=f"{most:,} (vm.max_map_count); what is beyond is copied"
    )


def _package(name: str, purpose: str) -> Part:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Part(name, works=True, detail=f"{version(name)}: {purpose}")
    except PackageNotFoundError:
        return Part(name, works=False, detail=f"not installed: {purpose}")
