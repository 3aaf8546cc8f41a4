"""A directory with a module to map and files to map it over, and `interlane map` in a child process."""

import os
import signal
import subprocess
import sys
import textwrap
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

    def start(self, *args: object, flags: tuple[str, ...] = (), **options: Any) -> subprocess.Popen[str]:
        """Starts `interlane map ARGS`."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **options,
        }
        environment = {**os.environ, **options.pop("env", {})}
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *flags, "-m", "interlane", "map", *map(str, args)],
            cwd=self.directory,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
            **options,
        )
        self.children.append(child)
        return child

    def map(
        self, *args: object, expect: int = 0, timeout: float = 60, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs `interlane map ARGS` to its end."""
        child = self.start(*args, **options)
        stdout, stderr = child.communicate(timeout=timeout)
        assert child.returncode == expect, f"exit code {child.returncode}\n{stdout}\n{stderr}"
        return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)

    def lines(self, *args: object, **options: Any) -> list[str]:
        """Runs `interlane map ARGS` and returns what it printed."""
        return self.map(*args, **options).stdout.splitlines()

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait(5)
            for pipe in (child.stdout, child.stderr):
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
