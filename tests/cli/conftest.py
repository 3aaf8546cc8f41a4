"""A directory with modules and files, the command line in a child process, and a terminal for it."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ("interpreters", "processes", "threads", "serial")


class Bench:
    """What the fixture `cli` gives."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.children: list[subprocess.Popen[str]] = []

    def module(self, source: str, name: str = "job") -> None:
        self.file(f"{name}.py", textwrap.dedent(source))

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def start(
        self, *args: object, command: str = "map", flags: tuple[str, ...] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """Starts `interlane COMMAND ARGS`."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        environment = {**os.environ, **options.pop("env", {})}
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *flags, "-m", "interlane", command, *map(str, args)],
            cwd=self.directory,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
            **options,
        )
        self.children.append(child)
        return child

    def map(self, *args: object, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs `interlane map ARGS` to its end."""
        return self.run("map", *args, **options)

    def run(
        self, command: str, *args: object, expect: int | None = 0, timeout: float = 100, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs `interlane COMMAND ARGS` to its end, which is to be with that exit code (None: any)."""
        child = self.start(*args, command=command, **options)
        stdout, stderr = child.communicate(timeout=timeout)
        assert expect in (None, child.returncode), f"exit code {child.returncode}\n{stdout}\n{stderr}"
        return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)

    def lines(self, *args: object, **options: Any) -> list[str]:
        """Runs `interlane map ARGS` and returns what it printed."""
        return self.map(*args, **options).stdout.splitlines()

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait(60)
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()


@pytest.fixture
def cli(tmp_path: Path) -> Any:
    bench = Bench(tmp_path)
    yield bench
    bench.end()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return f"--backend={request.param}"


# Every kind of argument in interpreters, and one in each of the other backends: most other tests send text.
every_kind = pytest.mark.parametrize(
    ("backend", "kind"),
    [
        *(("interpreters", kind) for kind in ("str", "bytes", "memoryview")),
        ("processes", "memoryview"),
        ("threads", "bytes"),
        ("serial", "str"),
    ],
    indirect=["backend"],
)


class Terminal:
    """A pseudo terminal: `slave` is for the child."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self._seen = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        # Linux ends a terminal that nobody holds any more with an error.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._master, 4096):
                self._seen += chunk

    @property
    def seen(self) -> str:
        """What was written until now."""
        return self._seen.decode(errors="replace")

    def type(self, keys: str) -> None:
        """Types, as somebody at the terminal would."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        """Waits until that was written, so many times."""
        end = time.monotonic() + 60
        while self._seen.count(text.encode()) < times:
            assert time.monotonic() < end, f"{text!r} was not written\n{self.seen}"
            time.sleep(0.01)

    def close(self) -> str:
        """Returns all that was written, once the child has ended."""
        if self.slave >= 0:
            os.close(self.slave)
            self.slave = -1
            self._reader.join()
            os.close(self._master)
        return self._seen.decode()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()
