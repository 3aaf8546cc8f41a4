"""What the tests share: a way to run what could crash, hang or exit in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest


class Output(str):
    """What a child wrote to stdout, with the rest of what it left behind."""

    __slots__ = ("returncode", "stderr")

    stderr: str
    returncode: int


class RunChild(Protocol):
    """The type of the fixture `run_child`."""

    def __call__(
        self,
        code: str,
        *args: str,
        timeout: float = 60,
        expect: int | None = 0,
        env: Mapping[str, str] | None = None,
        flags: tuple[str, ...] = (),
    ) -> Output:
        """Runs `code` in a fresh interpreter process and returns its stdout.

        `args` become `sys.argv[1:]`, `env` is added to the environment, `flags` go to the interpreter.
        The test fails when the child takes longer than `timeout` seconds (the message has the stack of
        every thread) or when its exit code is not `expect` (None: any; -N: ended by signal N).
        """


def _end(child: subprocess.Popen[str], number: int) -> None:
    # The child leads a session of its own, so this reaches what it has started too.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _describe(what: str, code: str, stdout: str, stderr: str) -> str:
    return f"{what}\n--- code\n{code}\n--- stdout\n{stdout[-8000:]}\n--- stderr\n{stderr[-8000:]}"


@pytest.fixture
def run_child() -> Iterator[RunChild]:
    """Runs Python source in a process of its own; nothing that it started outlives the test."""
    children: list[subprocess.Popen[str]] = []

    def run(
        code: str,
        *args: str,
        timeout: float = 60,
        expect: int | None = 0,
        env: Mapping[str, str] | None = None,
        flags: tuple[str, ...] = (),
    ) -> Output:
        code = textwrap.dedent(code)
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *flags, "-c", code, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        children.append(child)
        try:
            stdout, stderr = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # faulthandler answers SIGABRT with every thread's stack; SIGKILL is for what it cannot reach.
            _end(child, signal.SIGABRT)
            try:
                stdout, stderr = child.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                _end(child, signal.SIGKILL)
                stdout, stderr = child.communicate()
            pytest.fail(_describe(f"the child was not done after {timeout} s", code, stdout, stderr))
        if expect is not None and child.returncode != expect:
            pytest.fail(_describe(f"exit code {child.returncode}, expected {expect}", code, stdout, stderr))
        output = Output(stdout)
        output.stderr = stderr
        output.returncode = child.returncode
        return output

    yield run
    for child in children:
        _end(child, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="session")
def stress_is_short() -> bool:
    """Tells whether the tests marked `stress` should be brief (`INTERLANE_STRESS=short`, as in CI)."""
    return os.environ.get("INTERLANE_STRESS", "long") == "short"
