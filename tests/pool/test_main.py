"""Functions and classes of `__main__`: of a script and a module run with -m; `test_shells` has the rest."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import dataclasses
import functools
import interlane

FACTOR = 3
print("imported as", __name__)

@dataclasses.dataclass
class Point:
    x: int
    def scaled(self, by):
        return Point(self.x * by)
    @classmethod
    def make(cls, x):
        return cls(x)
    def __call__(self, y):
        return self.x + y

class Plain:
    def __init__(self, x):
        self.x = x
    def get(self):
        return self.x

@functools.lru_cache
def cached(x):
    return x * FACTOR

def triple(x):
    return FACTOR * x

def make(x):
    return Point(x)

def is_point(p):
    return isinstance(p, Point)

if __name__ == "__main__":
    late = 5
    def behind():
        return late
    with interlane.InterpreterPoolExecutor(1) as pool:
        assert pool.submit(triple, 2).result() == 6
        assert pool.submit(behind).result() == 5
        print("no script so far")
        assert pool.submit(make, 4).result() == Point(4)
        assert isinstance(pool.submit(make, 4).result(), Point)
        assert pool.submit(is_point, Point(1)).result()
        assert pool.submit(Point(5).scaled, 2).result() == Point(10)
        assert pool.submit(Point.make, 2).result() == Point(2)
        assert pool.submit(Point(5), 2).result() == 7
        assert pool.submit(Plain(8).get).result() == 8
        assert pool.submit(cached, 2).result() == 6
        assert list(pool.map(Point, [1, 2])) == [Point(1), Point(2)]
    print("passed")
"""

UNGUARDED = """
import interlane
def square(x):
    return x * x
with interlane.InterpreterPoolExecutor(2) as pool:
    print(list(pool.map(square, range(4))))
"""

RECURSIVE = """
import interlane
class Thing: pass
def make():
    return Thing()
with interlane.InterpreterPoolExecutor(1) as pool:
    error = pool.submit(make).exception(60)
    assert isinstance(error, RuntimeError) and "__main__" in str(error), error
print("passed")
"""


def run(*args: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *args], cwd=cwd, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    out = run("script.py", cwd=tmp_path)
    assert "passed" in out
    # It is run in the worker for its classes, and only once.
    before, _, after = out.partition("no script so far")
    assert "__mp_main__" not in before
    assert out.count("imported as __mp_main__") == 1
    assert after


def test_a_module_run_by_name(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "program.py").write_text(SCRIPT)
    assert "passed" in run("-m", "package.program", cwd=tmp_path)


def test_a_script_without_a_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    assert "[0, 1, 4, 9]" in run("script.py", cwd=tmp_path)


def test_a_script_that_would_start_itself_again_is_told(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(RECURSIVE)
    assert "passed" in run("script.py", cwd=tmp_path)


def test_functions_of_a_module_that_only_we_can_import(tmp_path: Path) -> None:
    # Loaded from a file under a name that no finder knows, as pytest does it.
    (tmp_path / "hidden.py").write_text(
        "BASE = 2\ndef helper(x): return BASE + x\ndef work(x): return helper(x)\n"
    )
    program = """
import importlib.util, sys
import interlane
spec = importlib.util.spec_from_file_location("some.hidden", "hidden.py")
module = importlib.util.module_from_spec(spec)
sys.modules["some.hidden"] = module
spec.loader.exec_module(module)
with interlane.InterpreterPoolExecutor(1) as pool:
    assert pool.submit(module.work, 1).result() == 3
    assert list(pool.map(module.work, range(5), chunksize=2)) == [2, 3, 4, 5, 6]
print("passed")
"""
    (tmp_path / "program.py").write_text(program)
    assert "passed" in run("program.py", cwd=tmp_path)
