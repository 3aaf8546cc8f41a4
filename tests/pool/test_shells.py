"""What is typed into a REPL or a notebook. Real ones: CPython's on a terminal, IPython, a Jupyter kernel."""

import importlib.util
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# One cell each. What must not be in an echo of the cells themselves is put together.
FUNCTIONS = (
    "import dataclasses, enum, math, interlane",
    "OFFSET = 1",
    "def helper(x):\n    return math.floor(x) + OFFSET",
    "def work(x):\n    return helper(x)",
    "pool = interlane.InterpreterPoolExecutor(1)",
    "assert pool.submit(work, 2.5).result(30) == 3",
    "assert pool.submit(lambda: helper(1.5)).result(30) == 2",
    "assert pool.submit(max, [1, -3], key=abs).result(30) == -3",
    "assert pool.submit(max, [1, 3], key=lambda x: -helper(x)).result(30) == 1",
    "OFFSET = 10",
    "assert list(pool.map(work, [1.5])) == [11]",
    "def helper(x):\n    return -x",
    "assert pool.submit(work, 2).result(30) == -2",
    "print('all ' + 'well')",
)
CLASSES = (
    *FUNCTIONS[:5],
    "class Base:\n    kind = 'base'\n    def who(self):\n        return self.kind, helper(self.x)",
    """@dataclasses.dataclass
class Point(Base):
    x: int
    def scaled(self, by):
        return Point(self.x * by)
    def who(self):
        return super().who()""",
    """class Plain:
    def __init__(self, points):
        self.points = points
    def most(self):
        return max(self.points, key=lambda point: point.x)""",
    "class Colour(enum.Enum):\n    RED = 1",
    "class Wrong(Exception):\n    pass",
    "def make(x):\n    return [Plain([Point(x), Point(x + 1)]), Colour.RED]",
    "def check(points):\n    return all(type(point) is Point for point in points)",
    "def fail(point):\n    raise Wrong(point)",
    "point = Point(3)",
    # As an argument, the object of a method, a result, what is called, an item of a container.
    "assert pool.submit(work, 2.5).result(30) == 3",
    "assert pool.submit(check, [point, Point(4)]).result(30)",
    "assert pool.submit(point.scaled, 2).result(30) == Point(6)",
    "assert pool.submit(point.who).result(30) == ('base', 4)",
    "assert type(pool.submit(Point, 4).result(30)) is Point",
    "assert list(pool.map(Point, range(3))) == [Point(0), Point(1), Point(2)]",
    "plain, colour = pool.submit(make, 5).result(30)",
    "assert type(plain) is Plain and plain.points == [Point(5), Point(6)] and colour is Colour.RED",
    "assert pool.submit(plain.most).result(30) == Point(6)",
    "assert pool.submit(lambda cls: cls.__name__, Point).result(30) == 'Point'",
    "assert pool.submit(lambda value: value, Point).result(30) is Point",
    "error = pool.submit(fail, 7).exception(30)",
    "assert type(error) is Wrong and error.args == (7,), error",
    # Defined anew: new objects are of the new class, and old ones of the old.
    "old = point",
    "@dataclasses.dataclass\nclass Point(Base):\n    x: int\n    def who(self):\n        return 'anew'",
    "assert pool.submit(Point(1).who).result(30) == 'anew'",
    "assert pool.submit(check, [Point(1)]).result(30) and type(pool.submit(Point, 1).result(30)) is Point",
    "print('all ' + 'well')",
)
OLD_ONES = (
    *CLASSES[:-1],
    "assert pool.submit(old.who).result(30) == ('base', 4)",
    "assert not pool.submit(check, [old]).result(30)",
    "Point.who = lambda self: 'patched'",
    "assert pool.submit(Point(1).who).result(30) == 'patched'",
    "print('all ' + 'well')",
)
NEEDS_HELP = (
    *FUNCTIONS[:5],
    "class Point:\n    x = 1",
    "error = pool.submit(lambda point: point.x, Point()).exception(30)",
    "assert isinstance(error, interlane.NotShareableError), error",
    "assert 'pip install cloudpickle' in str(error) + str(error.__cause__), error",
    "assert 'Point' in str(error), error",
    "error = pool.submit(Point).exception(30)",
    "assert 'pip install cloudpickle' in str(error) and 'Point' in str(error), error",
    "print('all ' + 'well')",
)
HAS_CLOUDPICKLE = importlib.util.find_spec("cloudpickle") is not None


@pytest.fixture(params=["cloudpickle", "source"])
def by(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """How classes travel: with cloudpickle, or, where that cannot be imported, by what was typed in."""
    if request.param == "cloudpickle":
        if not HAS_CLOUDPICKLE:
            pytest.skip("needs cloudpickle")
    else:
        (tmp_path / "hiding").mkdir()
        (tmp_path / "hiding" / "cloudpickle.py").write_text("raise ImportError('hidden')")
        path = [str(tmp_path / "hiding"), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    return str(request.param)


class Shell:
    """A program on a terminal of its own, into which cells are typed."""

    def __init__(self, *args: str, cwd: Path, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self._seen = ""
        self._child = subprocess.Popen(
            [sys.executable, *args],
            cwd=cwd,
            env={**os.environ, "PYTHON_HISTORY": str(cwd / "history"), "NO_COLOR": "1", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Waits until that is written, and forgets all up to it."""
        end = time.monotonic() + seconds
        while text not in self._seen:
            left = end - time.monotonic()
            ready = left > 0 and select.select([self._master], [], [], left)[0]
            assert ready, f"{text!r} was not written\n{self._seen}"
            self._seen += os.read(self._master, 4096).decode(errors="replace")
            assert "Traceback" not in self._seen or "Error: " not in self._seen, self._seen
        self._seen = self._seen.partition(text)[2]

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._master)


@pytest.fixture
def shells() -> Iterator[list[Shell]]:
    shells: list[Shell] = []
    yield shells
    for shell in shells:
        shell.close()


def on_a_terminal(cells: tuple[str, ...], shells: list[Shell], cwd: Path, kind: str) -> None:
    shell = Shell("-q", "-i", cwd=cwd, TERM="xterm" if kind == "new" else "dumb")
    shells.append(shell)
    for cell in cells:
        shell.wait_for(">>> ")
        if kind == "new" and "\n" in cell:
            # As a terminal pastes, or it would indent by itself; to be run once that has ended.
            shell.type(f"\x1b[200~{cell}\x1b[201~")
            shell.wait_for(cell.rpartition("\n")[2].strip())
            shell.type("\r\r")
        elif kind == "new":
            shell.type(cell + "\r")
        else:
            shell.type(cell + ("\n\n" if "\n" in cell else "\n"))
    shell.wait_for("all well")


def run(cwd: Path, *args: str) -> None:
    done = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**os.environ, "IPYTHONDIR": str(cwd), "JUPYTER_RUNTIME_DIR": str(cwd)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all well" in done.stdout, done.stdout + done.stderr


def in_ipython(cells: tuple[str, ...], cwd: Path) -> None:
    pytest.importorskip("IPython")
    program = f"""
from IPython.core.interactiveshell import InteractiveShell
import sys
shell = InteractiveShell.instance()
sys.modules["__main__"] = shell.user_module
for cell in {cells!r}:
    shell.run_cell(cell, store_history=True).raise_error()
"""
    (cwd / "start.py").write_text(program)
    run(cwd, "start.py")


def in_a_kernel(cells: tuple[str, ...], cwd: Path) -> None:
    pytest.importorskip("ipykernel")
    program = f"""
import sys
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]
manager = KernelManager()
manager._kernel_spec = KernelSpec(argv=command)
manager.start_kernel()
client = manager.client()
client.start_channels()
try:
    client.wait_for_ready(timeout=60)
    for cell in {cells!r}:
        reply = client.execute_interactive(cell, timeout=60)["content"]
        assert reply["status"] == "ok", (cell, reply)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""
    (cwd / "start.py").write_text(program)
    run(cwd, "start.py")


# CPython keeps what was typed in, and the new REPL is there, from 3.13 on.
new = pytest.param("new", marks=pytest.mark.skipif(sys.version_info < (3, 13), reason="3.13's REPL"))


@pytest.mark.parametrize("kind", [new, "plain"])
def test_functions_typed_into_a_terminal(kind: str, by: str, shells: list[Shell], tmp_path: Path) -> None:
    on_a_terminal(FUNCTIONS, shells, tmp_path, kind)


@pytest.mark.parametrize("kind", [new, "plain"])
def test_classes_typed_into_a_terminal(kind: str, by: str, shells: list[Shell], tmp_path: Path) -> None:
    if by == "source" and sys.version_info < (3, 13):
        cells = NEEDS_HELP
    else:
        cells = OLD_ONES if by == "cloudpickle" else CLASSES
    on_a_terminal(cells, shells, tmp_path, kind)


def test_classes_of_ipython(by: str, tmp_path: Path) -> None:
    in_ipython(OLD_ONES if by == "cloudpickle" else CLASSES, tmp_path)


def test_classes_of_a_notebook(by: str, tmp_path: Path) -> None:
    in_a_kernel(OLD_ONES if by == "cloudpickle" else CLASSES, tmp_path)


def test_what_was_never_kept_says_what_to_do(by: str, tmp_path: Path) -> None:
    if by == "cloudpickle":
        pytest.skip("cloudpickle is the way out")
    # Nothing keeps what comes by `exec`.
    program = f"for cell in {NEEDS_HELP!r}:\n    exec(cell, globals())"
    run(tmp_path, "-c", program)
