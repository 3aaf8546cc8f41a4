"""Imports modules in child processes, several at a time, and judges what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from interlane.cli.doctor.distributions import owner_of
from interlane.cli.progress import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlane.cli.doctor.distributions import Distribution

# The worst of a distribution's modules speaks for all of them.
_BY_SEVERITY = ("crashes", "slow", "refuses", "fails", "loads")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one module did."""

    module: str
    status: str
    """'loads', 'refuses', 'crashes', 'slow' or 'fails'."""
    seconds: float | None
    """How long the import took in the isolated interpreter."""
    reason: str | None
    """Why it does not load, or what it went without."""
    refused: tuple[str, ...]
    """The extension modules that could not be loaded."""
    legacy: bool | None = None
    """Of what refuses: whether it loads in an interpreter that shares the main one's GIL."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a distribution does: the worst that one of its modules did."""

    distribution: str
    version: str | None
    attempts: tuple[Attempt, ...]

    @property
    def status(self) -> str:
        """What the worst module did."""
        return self._worst.status

    @property
    def seconds(self) -> float | None:
        """How long all imports together took, each in an interpreter of its own."""
        known = [attempt.seconds for attempt in self.attempts if attempt.seconds is not None]
        return sum(known) if known else None

    @property
    def reason(self) -> str | None:
        """Why the worst module does not load."""
        return self._worst.reason

    @property
    def is_partial(self) -> bool:
        """Whether it loads, but without extension modules that refused."""
        return self.status == "loads" and any(attempt.refused for attempt in self.attempts)

    @property
    def loads_legacy(self) -> bool:
        """Whether all that refuses loads in an interpreter that shares the main one's GIL."""
        return all(attempt.legacy for attempt in self.attempts if attempt.status == "refuses")

    @property
    def because_of(self) -> tuple[str, ...]:
        """The other distributions whose extension modules refused."""
        owners = {owner_of(module) for attempt in self.attempts for module in attempt.refused}
        own = {self.distribution, *(owner_of(attempt.module) for attempt in self.attempts)}
        return tuple(sorted(owner for owner in owners - own if owner is not None))

    @property
    def _worst(self) -> Attempt:
        return min(
            self.attempts,
            key=lambda attempt: (_BY_SEVERITY.index(attempt.status), attempt.reason is None),
        )

    def record(self) -> dict[str, object]:
        """Returns what goes into JSON."""
        return {
            "name": self.distribution,
            "version": self.version,
            "status": self.status,
            "seconds": self.seconds,
            "because_of": self.because_of,
            "modules": [asdict(attempt) for attempt in self.attempts],
        }


def probe(wanted: Sequence[Distribution], jobs: int, timeout: float, *, quiet: bool) -> list[Verdict]:
    """Tries all modules, `jobs` at a time; an import may take `timeout` seconds in each interpreter."""
    line = Line(sys.stderr, enabled=not quiet)
    modules = list(dict.fromkeys(module for one in wanted for module in one.modules))
    found: dict[str, Attempt] = {}
    children = _Children(timeout)
    start = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            tasks = {pool.submit(_attempt, children, module): module for module in modules}
            for task in as_completed(tasks):
                found[tasks[task]] = task.result()
                if line.due():
                    left = (time.monotonic() - start) / len(found) * (len(modules) - len(found))
                    what = f"{len(found)}/{len(modules)} modules  {tasks[task]}"
                    line.put(len(found), len(modules), what, left)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            children.end()
            raise
        finally:
            line.clear()
    return [Verdict(one.name, one.version, tuple(found[module] for module in one.modules)) for one in wanted]


def _attempt(children: _Children, module: str) -> Attempt:
    isolated = children.run("isolated", module)
    refused = isolated.refused

    def verdict(status: str, reason: str | None, *, legacy: bool | None = None) -> Attempt:
        return Attempt(module, status, isolated.seconds, reason, tuple(refused), legacy)

    if isolated.late:
        return verdict("slow", f"not done after {children.timeout:g} s{isolated.stage}")
    if isolated.signal is not None:
        return verdict("crashes", f"{isolated.signal}{isolated.stage}")
    if isolated.error is None and isolated.came_to_its_end:
        return verdict("loads", f"without {', '.join(refused)}, which refused" if refused else None)
    main = children.run("main", module)
    if main.error is not None or not main.came_to_its_end:
        return verdict("fails", main.error or main.died)
    legacy = children.run("legacy", module)
    loads = legacy.error is None and legacy.came_to_its_end and legacy.returncode == 0
    # The first that was not let in: later ones often only miss it.
    reason = next(iter(refused.values()), isolated.error or isolated.died)
    return verdict("refuses", reason, legacy=loads)


@dataclass(frozen=True, slots=True)
class _End:
    """How a child process ended: what it wrote, and what ended it."""

    lines: list[str]
    returncode: int
    late: bool
    # Of the import, when the child came so far.
    seconds: float | None = None
    error: str | None = None
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: list[str], returncode: int, *, late: bool) -> _End:
        answer = json.loads(lines[0]) if lines else {}
        # A message may have several lines: the last is what happened, those before say where.
        error = answer.get("error")
        return cls(
            lines,
            returncode,
            late,
            answer.get("seconds"),
            None if error is None else error.splitlines()[-1].strip(),
            answer.get("refused", {}),
        )

    @property
    def came_to_its_end(self) -> bool:
        return len(self.lines) == 2

    @property
    def signal(self) -> str | None:
        if self.returncode >= 0:
            return None
        try:
            return signal.Signals(-self.returncode).name
        except ValueError:
            return f"signal {-self.returncode}"

    @property
    def stage(self) -> str:
        """Where it ended, if the import was over by then."""
        if not self.lines:
            return ""
        return ", when the process ended" if self.came_to_its_end else ", when its interpreter was closed"

    @property
    def died(self) -> str:
        if self.late:
            return "not done in time"
        return f"{self.signal or f'exit code {self.returncode}'}{self.stage}"


class _Children:
    """Starts child processes from several threads, and can end all of them."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._over = False
        # As `map` has it: what is in the current directory is found, however Python was started.
        self._path = json.dumps([str(Path.cwd()), *(entry for entry in sys.path if entry)])

    def run(self, how: str, module: str) -> _End:
        """Imports a module in a process of its own and returns what came of it."""
        # A file, not a pipe: nobody has to wait for what the module may have started.
        with tempfile.TemporaryFile() as answer:
            with self._lock:
                if self._over:
                    raise RuntimeError("no more children")
                child = subprocess.Popen(
                    [sys.executable, str(Path(__file__).with_name("child.py")), how, module, self._path],
                    stdin=subprocess.DEVNULL,
                    stdout=answer,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
                self._running.add(child)
            late = False
            try:
                child.wait(self.timeout)
            except subprocess.TimeoutExpired:
                late = True
            finally:
                _end(child)
                child.wait()
                with self._lock:
                    self._running.discard(child)
            answer.seek(0)
            return _End.of(answer.read().decode().splitlines(), child.returncode, late=late)

    def end(self) -> None:
        """Ends all of them; `run` starts no more."""
        with self._lock:
            self._over = True
            for child in self._running:
                _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    # It leads a session of its own, so this reaches what it has started too.
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
