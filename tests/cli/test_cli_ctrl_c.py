"""Ctrl-C: everything stops at once, and what was done is said."""

import os
import signal
import subprocess
import time
from typing import Any

import pytest

SLEEPER = """
import os, time

def sleep(text):
    if text == "sleep":
        with open(f"sleeping-{os.getpid()}", "w"):
            pass
        time.sleep(60)
    return text
"""


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(SLEEPER)
    cli.file("0.txt", "awake")
    for n in range(1, 30):
        cli.file(f"{n}.txt", "sleep")
    return cli


def test_ctrl_c_stops_at_once_and_says_what_was_done(cli: Any, backend: str) -> None:
    child = cli.start("job:sleep", "0.txt", *(f"{n}.txt" for n in range(1, 30)), backend, "--jobs=2")
    assert child.stdout.readline() == "awake\n"
    # Before that a process may be on its way to its first job.
    sleepers = _wait_for_sleepers(cli, 2 if backend == "--backend=processes" else 1)
    _press(child)
    stderr = child.stderr.read()
    assert child.wait(10) == 130
    assert stderr.startswith("interlane: interrupted: 1 of 30 files, 5 B, 0 failed in "), stderr
    assert "Traceback" not in stderr
    _assert_gone(sleepers)


def test_ctrl_c_leaves_no_output_file(cli: Any, backend: str) -> None:
    output = cli.file("out.txt", "before")
    child = cli.start("job:sleep", "0.txt", "1.txt", backend, "--output=out.txt")
    _wait_for_sleepers(cli)
    _press(child)
    assert child.wait(10) == 130
    assert "'out.txt' was not written" in child.stderr.read()
    assert output.read_text() == "before"
    assert not list(cli.directory.glob("*.part")) + list(cli.directory.glob(".*.part"))


def test_ctrl_c_while_the_module_is_imported_is_no_traceback(cli: Any) -> None:
    cli.module("import time\nopen('sleeping-x', 'w').close()\ntime.sleep(60)", "slow")
    child = cli.start("slow:f", "0.txt", "--backend=serial")
    _wait_for_sleepers(cli)
    _press(child)
    assert child.wait(10) == 130
    assert child.stderr.read() == "interlane: interrupted before anything was done\n"


def test_ctrl_c_does_not_reach_the_processes(cli: Any) -> None:
    cli.module("""
        import signal

        def is_blocked(text):
            return str(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    """)
    # The first process is the one with which multiprocessing starts a helper of its own.
    assert cli.lines("job:is_blocked", "0.txt", "--backend=processes", "--jobs=1") == ["True"]


def _wait_for_sleepers(cli: Any, count: int = 1) -> list[int]:
    deadline = time.monotonic() + 60
    while len(found := list(cli.directory.glob("sleeping-*"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    return [int(pid) for path in found if (pid := path.name.partition("-")[2]).isdigit()]


def _press(child: subprocess.Popen[str]) -> None:
    """Does what a terminal does: the signal goes to all processes of the group, which then end early."""
    os.killpg(child.pid, signal.SIGINT)
    child.wait(60)


def _assert_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    for pid in pids:
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            assert time.monotonic() < deadline, f"process {pid} is still there"
            time.sleep(0.02)
