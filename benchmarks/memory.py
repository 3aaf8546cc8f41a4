"""How many bytes there are for each queued item, and for each channel or lock that nobody uses.

By how much the process grows, over many of them; each subject has a process of its own. What a list takes to
keep them is not counted. Of a channel, both ends are kept, as `a, b = create_channel()` does, not the tuple.
"""

import argparse
import importlib.util
import json
import queue
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import child
import interlane
import session
from interlane import interpreters
from interlane._bench.results import Result, Results
from targets import Target, least_of

TITLE = "Memory"


@dataclass(frozen=True)
class Subject:
    """Something of which there are many."""

    kind: str
    name: str
    # Makes one; or, given a queue that was made once, puts one item.
    make: Callable[[], Any]
    put: Callable[[Any, int], object] | None = None
    count: int = 100_000
    missing: str = ""


NEW = "" if sys.version_info >= (3, 14) else "it came with Python 3.14"
BOCPY = "" if importlib.util.find_spec("bocpy") else "it is not installed"
INT, IDLE, LOCK = "Bytes for each queued int", "Bytes for each idle channel", "Bytes for each lock or such"
# Larger than what CPython keeps one of.
FIRST = 1_000_000


def _queue() -> Any:
    return interpreters.create_queue()  # type: ignore[attr-defined]  # 3.14 on


def _bocpy() -> Any:
    import bocpy

    bocpy.set_tags(["memory"])
    return bocpy


def _idle_processes() -> Any:
    import multiprocessing

    return multiprocessing.SimpleQueue()


def _used() -> Any:
    """A channel through which something has gone."""
    send, recv = interlane.create_channel()
    send.send(FIRST)
    recv.recv()
    return send, recv


def _queued(
    name: str,
    make: Callable[[], Any],
    put: Callable[[Any, int], object],
    missing: str = "",
    count: int = 1_000_000,
) -> Subject:
    return Subject(INT, name, make, put, count, missing)


SUBJECTS = (
    _queued("interlane", interlane.create_channel, lambda pair, item: pair[0].send(item)),
    _queued(
        "interlane, room for them",
        lambda: interlane.create_channel(2_000_000),
        lambda pair, item: pair[0].send(item),
    ),
    _queued("concurrent.interpreters.Queue", _queue, lambda it, item: it.put(item), NEW),
    _queued("bocpy", _bocpy, lambda it, item: it.send("memory", item), BOCPY, 10_000),
    _queued("queue.SimpleQueue", queue.SimpleQueue, lambda it, item: it.put(item)),
    Subject(IDLE, "interlane", interlane.create_channel),
    Subject(IDLE, "interlane, room for 16", lambda: interlane.create_channel(16)),
    Subject(IDLE, "interlane, used once", _used),
    Subject(IDLE, "concurrent.interpreters.Queue", _queue, missing=NEW),
    Subject(IDLE, "multiprocessing.SimpleQueue", _idle_processes, count=200),
    Subject(IDLE, "queue.SimpleQueue", queue.SimpleQueue),
    Subject(IDLE, "queue.Queue", queue.Queue),
    *(
        Subject(LOCK, f"{module}.{kind}", getattr(sys.modules[module], kind))
        for kind in ("Lock", "RLock", "Semaphore", "Event", "Condition")
        for module in ("interlane", "threading")
    ),
    Subject(LOCK, "interlane.AtomicInt", interlane.AtomicInt),
)


def resident() -> int:
    """Returns how much memory the process uses, in bytes."""
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Private_Dirty"):
            return int(line.split()[1]) * 1024
    raise OSError("no Private_Dirty in /proc/self/smaps_rollup")


def measure(subject: Subject, count: int) -> float:
    """Returns the bytes for each."""
    put = subject.put
    if put is not None:
        it = subject.make()
        put(it, FIRST)
        before = resident()
        for item in range(FIRST, FIRST + count):
            put(it, item)
        return (resident() - before) / count
    subject.make()
    kept: list[Any] = [None] * count
    # Pairs are kept without the tuple that they came in.
    if isinstance(subject.make(), tuple):
        kept *= 2
        before = resident()
        for number in range(count):
            kept[2 * number], kept[2 * number + 1] = subject.make()
    else:
        before = resident()
        for number in range(count):
            kept[number] = subject.make()
    return (resident() - before) / count


TARGETS = (
    Target("a queued int", least_of(INT, "interlane"), "bytes", at_most=32),
    Target(
        "a queued int in a bounded channel", least_of(INT, "interlane, room for them"), "bytes", at_most=32
    ),
    Target("an idle channel, both ends", least_of(IDLE, "interlane"), "bytes", at_most=512),
    Target("the same, bounded", least_of(IDLE, "interlane, room for 16"), "bytes", at_most=512),
)


def main() -> None:
    """Measures and prints."""
    parser = session.arguments(__doc__, short="fewer of each")
    parser.add_argument("--one", nargs=2, type=int, metavar=("SUBJECT", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        value = measure(SUBJECTS[options.one[0]], options.one[1])
        print(json.dumps({"median": value, "p99": value, "count": options.one[1]}))
        return
    machine = session.begin()
    if not Path("/proc/self/smaps_rollup").exists():
        print("this system does not say how large a process is")
        return
    results: dict[str, Results] = {}
    for number, subject in enumerate(SUBJECTS):
        if options.quick and number % 5 not in (0, 1):
            continue
        if subject.kind not in results:
            print(f"\n{subject.kind}")
        count = subject.count // (100 if options.quick else 2 if options.short else 1)
        result = results.setdefault(subject.kind, {}).setdefault(
            subject.name, Result(failure=subject.missing)
        )
        child.add(result, [sys.executable, __file__, "--one", str(number), str(count)])
        text = f"{result.median:>12,.1f}" if result.medians else f"  left out: {result.failure}"
        print(f"  {subject.name:40}{text}", flush=True)
    session.end(machine, results, TARGETS, options.json)


if __name__ == "__main__":
    main()
