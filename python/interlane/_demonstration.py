"""What `python -m interlane.demo` does: two runs, one table."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

import interlane
from interlane.cli.arguments import cpus
from interlane.cli.crew import Crew
from interlane.cli.inputs import Finder
from interlane.cli.progress import Line, sized, timed
from interlane.demo import analyse

type Counts = dict[str, int]

# From a worker: when it was ready; a file's number, whether its text was shared, and its counts; or why it is
# lost.
type Message = float | tuple[int, bool, Counts] | str

_SERVE = """\
import time
import interlane
from interlane.demo import analyse

with interlane.RecvChannel.from_id({texts}) as texts, interlane.SendChannel.from_id({counts}) as counts:
    counts.send(time.monotonic())
    for number, text in texts:
        counts.send((number, isinstance(text, interlane.SharedStr), analyse(text)))
"""

# Texts under way, per worker: they are read just in time.
_AHEAD = 4


class WorkerLostError(Exception):
    """A worker has ended; the text says why."""


@dataclass(slots=True)
class Outcome:
    """One run over all files."""

    counts: list[Counts]
    seconds: float = 0.0
    start_up: float = 0.0
    shared: int = 0
    shared_bytes: int = 0


class Progress:
    """The line on the terminal, by the bytes of the files done."""

    def __init__(self, title: str, sizes: list[int]) -> None:
        self._line = Line(sys.stderr)
        self._title = title
        self._sizes = sizes
        self._total = sum(sizes)
        self._files = self._bytes = 0
        self.started = time.monotonic()

    def done(self, number: int) -> None:
        """Counts a file as done."""
        self._files += 1
        self._bytes += self._sizes[number]
        if self._line.due():
            count = f"{self._title}: {self._files}/{len(self._sizes)} files"
            self._line.show(count, self._bytes, self._total, time.monotonic() - self.started)

    def end(self) -> float:
        """Takes the line away and returns the seconds that the run took."""
        seconds = time.monotonic() - self.started
        self._line.clear()
        return seconds


def main(argv: list[str] | None = None) -> int:
    """Runs the demonstration; returns 1 when the two runs disagree or a release was lost."""
    parser = argparse.ArgumentParser(prog="python -m interlane.demo", description=__doc__)
    parser.add_argument("--jobs", type=int, default=cpus(), help="interpreters (default: CPUs, %(default)s)")
    parser.add_argument(
        "directory", nargs="?", default=sysconfig.get_paths()["stdlib"], help="default: %(default)s"
    )
    options = parser.parse_args(argv)

    paths, sizes = _sources(options.directory)
    if not paths:
        parser.error(f"there are no Python sources in {options.directory!r}")
    print(f"Tokens, names and nesting of {len(paths)} files ({sized(sum(sizes))}) in {options.directory}")
    print(f"on Python {sys.version.split()[0]}: one by one, then in {options.jobs} isolated interpreters\n")
    try:
        serial = _serial(paths, sizes)
        before = interlane.stats()
        parallel = Parallel(paths, sizes, max(1, options.jobs)).run()
    except WorkerLostError as error:
        print(f"interlane.demo: a worker was lost: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interlane.demo: interrupted", file=sys.stderr)
        sys.stdout.flush()
        # An interpreter at work cannot be stopped, and an ordinary exit would wait for it.
        os._exit(130)
    lost = _lost(before)
    same = serial.counts == parallel.counts
    _table(serial, parallel, options.jobs, sum(sizes))
    texts = f"{parallel.shared} text{'' if parallel.shared == 1 else 's'} ({sized(parallel.shared_bytes)})"
    print(f"\n{texts} shared without a copy, {lost} releases lost")
    print("The results are the same." if same else "The results DIFFER.")
    return 0 if same and not lost else 1


def _sources(directory: str) -> tuple[list[str], list[int]]:
    """Returns paths and sizes of what is text, the largest first: then all workers end together."""
    found = []
    for given in Finder(["*.py"]).find([directory]):
        if {"site-packages", "dist-packages"}.isdisjoint(Path(given.path).relative_to(directory).parts):
            try:
                _read(given.path)
            except (OSError, UnicodeDecodeError):
                continue
            found.append(given)
    found.sort(key=lambda given: given.size, reverse=True)
    return [given.path for given in found], [given.size for given in found]


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _serial(paths: list[str], sizes: list[int]) -> Outcome:
    outcome = Outcome([])
    progress = Progress("serial", sizes)
    for number, path in enumerate(paths):
        outcome.counts.append(analyse(_read(path)))
        progress.done(number)
    outcome.seconds = progress.end()
    return outcome


@dataclass(slots=True)
class Parallel:
    """The run in interpreters: this one reads and shares, they analyse."""

    paths: list[str]
    sizes: list[int]
    jobs: int
    _ready: float = 0.0
    _widths: dict[int, int] = field(default_factory=dict)

    def run(self) -> Outcome:
        """Returns what came of it; creating and closing the interpreters is part of the time."""
        outcome = Outcome([{} for _ in self.paths])
        progress = Progress(f"{self.jobs} interpreters", self.sizes)
        texts_in, texts_out = interlane.create_channel[tuple[int, str]]()
        counts_in, counts_out = interlane.create_channel[Message]()

        def lost(why: str) -> None:
            # An error when the main thread has given up before.
            with contextlib.suppress(interlane.ChannelError):
                counts_in.send(why)

        crew = Crew(self.jobs, _SERVE.format(texts=texts_out.id, counts=counts_out.id), lost)
        with counts_in, counts_out, texts_out, texts_in:
            missing = 0
            for number, path in enumerate(self.paths):
                text = _read(path)
                self._widths[number] = len(text) * _bytes_per_character(text)
                texts_in.send((number, text))
                missing += 1
                while missing >= self.jobs * _AHEAD:
                    missing -= self._receive(counts_out.recv(), outcome, progress)
            texts_in.close()
            while missing:
                missing -= self._receive(counts_out.recv(), outcome, progress)
            crew.join()
        outcome.seconds = progress.end()
        outcome.start_up = self._ready - progress.started
        return outcome

    def _receive(self, message: Message, outcome: Outcome, progress: Progress) -> int:
        if isinstance(message, str):
            raise WorkerLostError(message)
        if isinstance(message, float):
            self._ready = max(self._ready, message)
            return 0
        number, shared, counts = message
        outcome.counts[number] = counts
        if shared:
            outcome.shared += 1
            outcome.shared_bytes += self._widths[number]
        progress.done(number)
        return 1


def _bytes_per_character(text: str) -> int:
    # The object's size is that of its header and of one character more than it has.
    return sys.getsizeof(text) // (len(text) + 1) if len(text) > 100 else 1


def _lost(before: interlane.Stats) -> int:
    """Waits until everything is released and returns how many releases never came."""
    deadline = time.monotonic() + 5
    while True:
        now = interlane.stats()
        out = (now.created - before.created) - (now.released - before.released)
        if not out or time.monotonic() > deadline:
            return out - (now.orphaned - before.orphaned)
        time.sleep(0.005)


def _table(serial: Outcome, parallel: Outcome, jobs: int, nbytes: int) -> None:
    tokens = sum(counts["tokens"] for counts in serial.counts)
    rows = [
        ("", "serial", f"{jobs} interpreters"),
        ("files", f"{len(serial.counts)}", f"{len(parallel.counts)}"),
        ("bytes", sized(nbytes), sized(nbytes)),
        ("tokens", f"{tokens}", f"{sum(counts.get('tokens', 0) for counts in parallel.counts)}"),
        ("start-up", "", timed(parallel.start_up)),
        ("time, start-up included", timed(serial.seconds), timed(parallel.seconds)),
        ("rate", f"{sized(nbytes / serial.seconds)}/s", f"{sized(nbytes / parallel.seconds)}/s"),
        ("times serial", "1.00", f"{serial.seconds / parallel.seconds:.2f}"),
    ]
    for name, one, other in rows:
        print(f"{name:<24}{one:>14}{other:>18}")
