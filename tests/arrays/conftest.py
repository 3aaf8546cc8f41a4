"""NumPy, loaded by the first test that wants it; a C module for capsules, and what programs make of it."""

import gc
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interlane
import pytest


@pytest.fixture(scope="session")
def np() -> Any:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # children that fork should have no threads to lose
    return pytest.importorskip("numpy", reason="NumPy has no wheel for this Python")


@pytest.fixture
def nothing_left() -> Any:
    """Checks that the test leaves no share behind."""
    yield
    gc.collect()
    interlane.collect()
    interlane.wait_released(timeout=50)
    interlane.collect()
    assert interlane.stats().live == 0, interlane.shares()


@pytest.fixture(scope="session")
def capsules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tells the folder of the extension module `capsules`, which loads in isolated interpreters."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("capsules")
    target = folder / f"capsules{sysconfig.get_config_var('EXT_SUFFIX')}"
    source = Path(__file__).parent / "capsules.c"
    # fmt: off
    done = subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread",
         "-I", sysconfig.get_paths()["include"], source, "-o", target],
        capture_output=True, text=True, check=False,
    )
    # fmt: on
    assert done.returncode == 0, done.stderr
    return folder


PRELUDE = """
import gc, sys, threading, time
import interlane, capsules
from interlane import interpreters

def exchange(item, **options):
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=60)
        return recv.recv(timeout=60)

def refused(function, *args, error=interlane.NotShareableError):
    try:
        function(*args)
    except error as raised:
        return str(raised)
    raise AssertionError("nothing was raised")

def isolated(**names):
    '''An interpreter that loads the module too.'''
    worker = interpreters.create()
    worker.exec(f"import sys; sys.path[:] = {sys.path!r}\\nimport gc, interlane, capsules")
    if names:
        worker.prepare_main(**names)
    return worker

def nothing_is_lost(orphaned=0):
    gc.collect()
    end = time.monotonic() + 50
    while ((now := interlane.stats()).live or now.pending) and time.monotonic() < end:
        interlane.collect()
        time.sleep(0.002)
    assert (now.live, now.pending, now.nbytes) == (0, 0, 0), (now, interlane.shares())
    assert now.orphaned == orphaned and now.created == now.released + now.orphaned, now
"""


@pytest.fixture
def run(capsules: Path, run_child: Any) -> Callable[..., Any]:
    """The fixture `run_child`, with the names above in the child."""

    # Some children import a lot before they begin.
    def run(code: str, *args: str, timeout: float = 100, **options: Any) -> Any:
        env = {"PYTHONPATH": os.pathsep.join([str(capsules), os.environ.get("PYTHONPATH", "")])}
        return run_child(PRELUDE + code, *args, env=env, timeout=timeout, **options)

    return run


# A producer of Arrow's structures, which goes before a test's code: trees as in capsules.c, over the
# memory of whatever is given for a buffer.
PRODUCER = """
from array import array

def at(buffer):
    return 0 if buffer is None else buffer if isinstance(buffer, int) else capsules.address(buffer)

def schema(format, *children, name=None, metadata=None, flags=2, dictionary=None):
    return (format, name, metadata, flags, list(children), dictionary)

def items(length, *buffers, children=(), dictionary=None, nulls=0, offset=0):
    return (length, nulls, offset, [at(buffer) for buffer in buffers], list(children), dictionary)

class Kept:
    def __init__(self, *buffers): self.buffers = buffers

class Array:
    def __init__(self, schema, array, *buffers):
        self.schema, self.array, self.kept = schema, array, Kept(*buffers)
    def __arrow_c_schema__(self): return capsules.schema(self.schema)
    def __arrow_c_array__(self, requested_schema=None):
        return capsules.schema(self.schema), capsules.array(self.array, self.kept)

class Stream:
    def __init__(self, schema, arrays, *buffers, failure=0, message=None):
        self.schema, self.arrays, self.kept = schema, arrays, Kept(*buffers)
        self.failure, self.message, self.asked = failure, message, 0
    def __arrow_c_stream__(self, requested_schema=None):
        self.asked += 1
        return capsules.stream(self.schema, self.arrays, self.kept, self.failure, self.message)

numbers = array("q", range(1000))
ends = array("i", [0, 1, 3, 6, 10])
text = bytearray(b"abbcccdddd")

def table():
    '''Records of a number and a text.'''
    fields = schema("+s", schema("l", name="n"), schema("u", name="t"))
    columns = [items(4, None, numbers), items(4, None, ends, text)]
    return Array(fields, items(4, None, children=columns), numbers, ends, text)
"""
