"""Locks and their kin beside `threading`'s: alone with one, and 1 to 8 interpreters at the same one.

Uncontended is one thread that nobody disturbs; both kinds take turns in one process. Contended is so many
interpreters (threads, processes) that take the lock and give it back as fast as they can, first with nothing
in between, then with some hundred nanoseconds of work of their own after each. `--json FILE` keeps the
figures, of which `chart.py` makes docs/locks.svg.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import child
import gate
import interlane
import session
from interlane import interpreters
from interlane._bench.machine import MAIN, pin
from interlane._bench.results import Result, Results
from targets import Target, least_of, over

TITLE = "Locks"


@dataclass(frozen=True)
class Use:
    """Something that is done with one of them."""

    kind: str
    action: str
    # What stands for it in a program without interlane, if it isn't the class of that name in `threading`.
    other: str = ""
    other_action: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}, {self.action.replace('it.', '').replace(' it:', ':')}"


_COUNTER = "type('Counter', (), {'n': 0, 'lock': threading.Lock()})()"
USES = (
    Use("Lock", "it.acquire(); it.release()"),
    Use("Lock", "with it: pass"),
    Use("Lock", "it.acquire(timeout=1); it.release()"),
    Use("RLock", "it.acquire(); it.release()"),
    Use("RLock", "with it: pass"),
    Use("Semaphore", "it.acquire(); it.release()"),
    Use("Semaphore", "with it: pass"),
    Use("BoundedSemaphore", "with it: pass"),
    Use("Event", "it.is_set()"),
    Use("Event", "it.set(); it.clear()"),
    Use("Condition", "with it: it.notify()"),
    Use("AtomicInt", "it.load()", _COUNTER, "with it.lock: it.n"),
    Use("AtomicInt", "it.add(1)", _COUNTER, "with it.lock: it.n += 1"),
)


def uncontended(use: Use, seconds: float) -> tuple[float, float]:
    """Returns the least nanoseconds that it takes, ours and the other one; the loop itself not counted."""
    pin(MAIN)
    count = 5_000
    loops = [_loop("", "None"), _loop(use.action, f"interlane.{use.kind}()")]
    loops.append(_loop(use.other_action or use.action, use.other or f"threading.{use.kind}()"))
    times: list[list[float]] = [[] for _ in loops]
    end = time.perf_counter() + seconds
    while len(times[0]) < 5 or time.perf_counter() < end:
        for loop, found in zip(loops, times, strict=True):
            start = time.perf_counter_ns()
            loop(count)
            found.append((time.perf_counter_ns() - start) / count)
    empty, ours, other = map(min, times)
    return ours - empty, other - empty


def _loop(action: str, made: str) -> Callable[[int], None]:
    names: dict[str, Any] = {"interlane": interlane, "threading": threading}
    body = f"    it = {made}\n    for _ in range(count):\n        {action or 'pass'}\n"
    exec(f"def loop(count):\n{body}", names)
    return names["loop"]  # type: ignore[no-any-return]  # what exec has defined


# Each notes how often it got the lock; `after` is what it does in between.
WORK = f"""{gate.SOURCE}
from time import perf_counter as clock
def work(lock, seconds, after, folder):
    end = gate(folder) + seconds
    count = 0
    while not count or clock() < end:  # who comes late has a turn, too
        for _ in range(100):
            with lock:
                pass
            for _ in after:
                pass
        count += 100
    with open(folder + "/counts", "a") as file:
        file.write(str(count) + "\\n")
"""


def work(*args: Any) -> None:
    """The same for a process."""
    names: dict[str, Any] = {}
    exec(WORK, names)
    names["work"](*args)


def _in_interpreters(count: int) -> "Iterator[Callable[..., threading.Thread]]":
    for _ in range(count):
        interpreter = interpreters.create()
        interpreter.exec(f"import interlane\n{WORK}")

        def start(lock: Any, *args: Any, interpreter: Any = interpreter) -> threading.Thread:
            interpreter.prepare_main(lock=lock)
            return threading.Thread(target=interpreter.exec, args=(f"work(lock, *{args!r})",))

        yield start


def _in_threads(count: int) -> "Iterator[Callable[..., threading.Thread]]":
    for _ in range(count):
        yield lambda *args: threading.Thread(target=work, args=args)


def _in_processes(count: int) -> Iterator[Callable[..., Any]]:
    context = multiprocessing.get_context("spawn")
    for _ in range(count):
        yield lambda *args: context.Process(target=work, args=args)


# What locks, and who.
CROWDS: dict[str, tuple[Callable[[], Any], Callable[[int], Iterator[Callable[..., Any]]]]] = {
    "interlane.Lock": (interlane.Lock, _in_interpreters),
    "interlane.RLock": (interlane.RLock, _in_interpreters),
    "threading.Lock, threads": (threading.Lock, _in_threads),
    "multiprocessing.Lock": (lambda: multiprocessing.get_context("spawn").Lock(), _in_processes),
}
COUNTS = (1, 2, 3, 4, 5, 6, 7, 8)
# Turns of an empty loop between two times that a thread takes the lock.
LOADS = {"nothing in between": 0, "work in between": 20}


def contended(name: str, count: int, turns: int, seconds: float) -> dict[str, float]:
    """Returns how often the lock changed hands in a second, and the share of who got it least and most."""
    make, crowd = CROWDS[name]
    lock = make()
    with tempfile.TemporaryDirectory() as folder:
        workers = [start(lock, seconds, range(turns), folder) for start in crowd(count)]
        for worker in workers:
            worker.start()
        gate.release(folder, count)
        for worker in workers:
            worker.join()
        counts = [int(line) for line in Path(folder, "counts").read_text().split()]
    if len(counts) != count:
        raise AssertionError(f"{count - len(counts)} of {count} have failed")
    total = sum(counts)
    return {
        "median": total / seconds,
        "p99": total / seconds,
        "count": count,
        "least": min(counts) * count / total,
        "most": max(counts) * count / total,
    }


_LOCK = ("uncontended", "Lock, acquire(); release()")


def _ratio(kind: str) -> Callable[[dict[str, Results]], float]:
    """Returns what finds the worst ratio of all that is done with one kind."""

    def find(results: dict[str, Results]) -> float:
        ratios = [
            least_of(scenario, "interlane")(results) / least_of(scenario, "threading")(results)
            for scenario in results
            if scenario.startswith(f"{kind}, ")
        ]
        return max(ratios, default=float("nan"))

    return find


def _crowd_over_one(name: str, load: str) -> Callable[[dict[str, Results]], float]:
    return over(least_of(f"{load}, {COUNTS[-1]}", name), least_of(f"{load}, 1", name))


TARGETS = (
    *(
        Target(f"an uncontended {kind}, over threading's, the worst use", _ratio(kind), "x", at_most=2)
        for kind in dict.fromkeys(use.kind for use in USES)
        if kind != "AtomicInt"
    ),
    Target("an AtomicInt, over an int and a Lock, the worst use", _ratio("AtomicInt"), "x", at_most=2),
    # A lock that is handed from thread to thread each time falls to a hundredth.
    *(
        Target(
            f"8 interpreters at one {kind}, {load}, over one alone",
            _crowd_over_one(f"interlane.{kind}", load),
            "x",
            at_least=0.33,
        )
        for kind in ("Lock", "RLock")
        for load in LOADS
    ),
)


def measure_uncontended(results: dict[str, Results], uses: Iterable[int], seconds: float) -> None:
    """Prints the table of those that nobody else wants."""
    print(f"\n{'Uncontended [ns]':44}{'interlane':>12}{'threading':>12}{'ratio':>12}")
    for number in uses:
        use = USES[number]
        ours, other = child.figures(__file__, "--one", str(number), str(seconds))
        for name, value in (("interlane", ours), ("threading", other)):
            result = results.setdefault(use.name, {}).setdefault(name, Result())
            result.add({"median": value, "p99": value, "count": 1})
        print(f"  {use.name:42}{ours:>12.1f}{other:>12.1f}{ours / other:>10.2f} x", flush=True)


def measure_contended(results: dict[str, Results], seconds: float, counts: tuple[int, ...]) -> dict[str, Any]:
    """Prints the tables of crowds, and returns what the chart is made of."""
    figures: dict[str, Any] = {}
    for load in LOADS:
        heads = "".join(f"{count:>8}" for count in counts)
        print(f"\n{f'Contended, {load} [thousand/s]':44}{heads}{'least':>12}{'most':>8}")
        for name in CROWDS:
            row = figures.setdefault(load, {}).setdefault(name, {})
            print(f"  {name:42}", end="", flush=True)
            for count in counts:
                result = results.setdefault(f"{load}, {count}", {}).setdefault(name, Result())
                found: dict[str, float] = {}
                with contextlib.suppress(child.subprocess.SubprocessError):
                    found = child.figures(__file__, "--crowd", name, str(count), load, str(seconds))
                    result.add(found)
                row[count] = found
                print(f"{found['median'] / 1e3:>8.0f}" if found else f"{'failed':>8}", end="", flush=True)
            last = row[counts[-1]]
            # What share they had of what would be even.
            print(f"{last['least']:>10.0%}{last['most']:>8.0%}" if last else "", flush=True)
    return figures


def main() -> None:
    """Measures and prints."""
    parser = session.arguments(__doc__)
    parser.add_argument("--one", nargs=2, metavar=("USE", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--crowd", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(uncontended(USES[int(options.one[0])], float(options.one[1]))))
        return
    if options.crowd:
        name, count, load, seconds = options.crowd
        print(json.dumps(contended(name, int(count), LOADS[load], float(seconds))))
        return
    machine = session.begin()
    results: dict[str, Results] = {}
    uses = range(0, len(USES), 4 if options.quick else 1)
    measure_uncontended(results, uses, 0.01 if options.quick else 0.3 if options.short else 1.5)
    seconds = 0.02 if options.quick else 0.2 if options.short else 1.0
    counts = (1, 2) if options.quick else (1, 2, 4, 8) if options.short else COUNTS
    crowds = measure_contended(results, seconds, counts)
    session.end(machine, results, TARGETS, options.json, contended=crowds)


if __name__ == "__main__":
    sys.exit(main())
