"""What the tests share: children for what could crash, hang or exit; channels; other interpreters; loops."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Protocol

import interlane
import pytest
from interlane import interpreters

# A shell ignores SIGINT on behalf of what it runs in the background, and so would every child of ours.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says something about the machine only, and each run tries the same ones.
with contextlib.suppress(ImportError):
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "same",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("same")


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
        timeout: float = 180,
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
        timeout: float = 180,
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
                stdout, stderr = child.communicate(timeout=30)
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
            child.wait(timeout=30)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture(autouse=True)
def nothing_is_shared_yet() -> None:
    """Waits until what earlier tests have shared is gone: many a test counts shares."""
    end = time.monotonic() + 30
    while interlane.stats().live and time.monotonic() < end:
        gc.collect()
        interlane.collect()
        time.sleep(0.001)


@pytest.fixture(scope="session")
def stress_is_short() -> bool:
    """Tells whether the tests marked `stress` should be brief (`INTERLANE_STRESS=short`, as in CI)."""
    return os.environ.get("INTERLANE_STRESS", "long") == "short"


def exchange(item: Any, **options: Any) -> Any:
    """Sends an item through a channel of its own and returns what arrives."""
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=60)
        return recv.recv(timeout=60)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Background:
    """Runs a function on a thread; `result` joins it and returns or raises what it did."""

    def __init__(self, function: Any, *args: Any, **kwargs: Any) -> None:
        self._outcome: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, function: Any, args: Any, kwargs: Any) -> None:
        try:
            self._outcome = function(*args, **kwargs)
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self._thread.join(60)
        assert not self._thread.is_alive(), "still waiting"
        if self._error is not None:
            raise self._error
        return self._outcome


@pytest.fixture
def ends() -> Iterator[tuple[Any, Any]]:
    send, recv = interlane.create_channel()
    with send, recv:
        yield send, recv


@pytest.fixture
def narrow() -> Iterator[tuple[Any, Any]]:
    """A channel with room for one item."""
    send, recv = interlane.create_channel(1)
    with send, recv:
        yield send, recv


@pytest.fixture
def interp() -> Iterator[Any]:
    """A new interpreter, which the test may close."""
    interpreter = interpreters.create()
    yield interpreter
    with contextlib.suppress(interpreters.InterpreterNotFoundError):
        interpreter.close()


@pytest.fixture
def other() -> Iterator[Any]:
    """Another interpreter."""
    interp = interpreters.create()
    interp.exec("import interlane")
    yield interp
    interp.close()


def _loops() -> list[object]:
    try:
        import uvloop
    except ImportError:
        uvloop = None
    marks = [
        pytest.mark.skipif(uvloop is None, reason="no uvloop for this version"),
        # uvloop's own.
        pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning"),
    ]
    return [
        pytest.param(asyncio.new_event_loop, id="asyncio"),
        pytest.param(uvloop and uvloop.new_event_loop, id="uvloop", marks=marks),
    ]


@pytest.fixture
def started() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """What makes a task that has come to its first wait."""

    async def start(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not task.done()
        return task

    return start


@pytest.fixture(params=_loops())
def run_loop(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine in an event loop of its own, for at most three minutes."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(asyncio.wait_for(main, 180))

    return run
