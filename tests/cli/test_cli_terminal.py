"""Progress: a line on a terminal, nothing anywhere else."""

import contextlib
import os
import pty
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

NAP = """
import time

def nap(text):
    time.sleep(0.05)
    return text

def fail(text):
    return int(text)
"""


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


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(NAP)
    for n in range(20):
        cli.file(f"d/{n:02}.txt", "x" * 1000)
    return cli


def _run(
    cli: Any, terminal: Terminal, *args: str, function: str = "nap", expect: int = 0, **options: Any
) -> str:
    child = cli.start(f"job:{function}", "d", *args, stderr=terminal.slave, **options)
    child.communicate(timeout=60)
    assert child.returncode == expect
    return terminal.close()


def test_a_terminal_gets_a_line_with_count_rate_and_eta(cli: Any, terminal: Terminal, backend: str) -> None:
    seen = _run(cli, terminal, backend)
    shown = re.findall(r"\r(\[[# ]{20}\] +\d+%  (\d+)/20 files  \S+ kB  \S+ kB/s  ETA 0:\d\d)", seen)
    assert len(shown) >= 3
    counts = [int(count) for _, count in shown]
    assert counts == sorted(counts)
    # It is gone when the summary comes.
    *_, last, after = seen.rstrip("\r\n").split("\r")
    assert last.strip() == ""
    assert after.startswith("interlane: 20 files")


def test_no_color_means_plain_text(cli: Any, terminal: Terminal) -> None:
    environment = {"NO_COLOR": "1", "TERM": "xterm"}
    seen = _run(cli, terminal, "-k", function="fail", expect=1, env=environment)
    assert "interlane: d/00.txt: ValueError" in seen
    assert "\x1b" not in seen


def test_failures_are_red_on_a_terminal(cli: Any, terminal: Terminal) -> None:
    seen = _run(cli, terminal, function="fail", expect=1, env={"NO_COLOR": "", "TERM": "xterm"})
    assert "\x1b[31minterlane: d/00.txt: ValueError" in seen


def test_quiet_shows_nothing(cli: Any, terminal: Terminal, backend: str) -> None:
    assert _run(cli, terminal, backend, "--quiet") == ""


def test_a_pipe_gets_no_progress(cli: Any) -> None:
    stderr = cli.map("job:nap", "d").stderr
    assert "\r" not in stderr
    assert stderr.count("\n") == 1


def test_results_on_the_same_terminal_do_not_mix_with_the_line(cli: Any, terminal: Terminal) -> None:
    seen = _run(cli, terminal, stdout=terminal.slave)
    assert "ETA" in seen
    for result in re.findall(r"(?:^|[\r\n])([^\r\n]*x{1000})", seen):
        assert result == "x" * 1000


def test_the_progress_moves_while_one_item_takes_long(cli: Any, terminal: Terminal) -> None:
    cli.module("import time\ndef nap(text):\n    time.sleep(1)")
    seen = _run(cli, terminal, "--jobs=2", "--backend=threads", "--glob=0[01].txt")
    assert seen.count("0/2 files") >= 3
