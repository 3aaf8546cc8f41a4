"""`interlane.InterpreterPoolExecutor` beside the other pools, in one run.

Prints a table for each scenario, then the targets. Each contender has a process of its own for each
repetition, and all take turns. All have two workers.
"""

import argparse
import concurrent.futures
import importlib.util
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import child
import interlane
import pool_tasks
from interlane import interpreters
from interlane._bench.machine import describe
from interlane._bench.results import Result, Results, table
from targets import Target, beyond, least_of, over, table as target_table

WORKERS = 2
PATIENCE = 120
MIB = 1 << 20


@dataclass(frozen=True)
class Pool:
    """An open pool: one call there and back, and one call for each of some arguments, all at once."""

    call: Callable[..., Any]
    each: Callable[..., list[Any]]
    # What its interpreters import.
    imports: str = "interlane"


@contextmanager
def _executor(pool: concurrent.futures.Executor) -> Iterator[Pool]:
    with pool:
        yield Pool(
            lambda function, *args: pool.submit(function, *args).result(),
            lambda function, items: list(pool.map(function, items, chunksize=1)),
        )


def _interlane() -> Any:
    return _executor(interlane.InterpreterPoolExecutor(WORKERS))


def _standard() -> Any:
    return _executor(concurrent.futures.InterpreterPoolExecutor(WORKERS))


def _threads() -> Any:
    return _executor(concurrent.futures.ThreadPoolExecutor(WORKERS))


def _processes() -> Any:
    context = multiprocessing.get_context("spawn")
    return _executor(concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=context))


def _loky() -> Any:
    import loky

    return _executor(loky.ProcessPoolExecutor(WORKERS))


@contextmanager
def _bocpy() -> Iterator[Pool]:
    import bocpy

    bocpy.start(worker_count=WORKERS)
    named = {
        pool_tasks.nothing: pool_tasks.boc_nothing,
        pool_tasks.size: pool_tasks.boc_size,
        pool_tasks.spin: pool_tasks.boc_spin,
    }
    cowns = [bocpy.Cown(None) for _ in range(10_000)]

    def post(function: Callable[..., Any], cown: object, *args: object) -> None:
        bocpy.whencall(named[function], [cown], [] if function is pool_tasks.nothing else list(args))

    def call(function: Callable[..., Any], *args: object) -> object:
        post(function, cowns[0], *args)
        return bocpy.receive("back")[1]

    def each(function: Callable[..., Any], items: Any) -> list[object]:
        count = 0
        for cown, item in zip(cowns, items, strict=False):
            post(function, cown, item)
            count += 1
        return [bocpy.receive("back")[1] for _ in range(count)]

    yield Pool(call, each)
    bocpy.wait()


@contextmanager
def _empty() -> Iterator[Pool]:
    """No pool, but the least that a first import takes: it makes the import system list all of `sys.path`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "empty_package").mkdir()
        Path(folder, "empty_package", "__init__.py").touch()
        sys.path.append(folder)
        yield Pool(print, lambda *_: [], "empty_package")


def _installed(name: str) -> str:
    return "" if importlib.util.find_spec(name) else "it is not installed"


NEW = "" if sys.version_info >= (3, 14) else "it came with Python 3.14"
# How each is opened, and why it cannot take part, if so.
POOLS: dict[str, tuple[Callable[[], Any], str]] = {
    "interlane": (_interlane, ""),
    "InterpreterPoolExecutor": (_standard, NEW),
    "ThreadPoolExecutor": (_threads, ""),
    "ProcessPoolExecutor": (_processes, ""),
    "loky": (_loky, _installed("loky")),
    "bocpy": (_bocpy, _installed("bocpy")),
    "an empty package": (_empty, ""),
}
ALL = tuple(POOLS)[:-1]
IMPORTS = ("interlane", "an empty package")


def _times(action: Callable[[], object], most: int, seconds: float) -> list[float]:
    """Returns what each of many takes, in microseconds, warmed up."""
    action()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < most and time.perf_counter() < end:
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1e6)
    return times


def round_trip(pool: Pool, quick: bool) -> list[float]:
    """A task that does nothing, there and back."""
    return _times(lambda: pool.call(pool_tasks.nothing), 100 if quick else 5000, 1.5)


def many(pool: Pool, quick: bool) -> list[float]:
    """Tasks that do nothing, all at once: how many in a second."""
    count = 200 if quick else 10_000
    pool.each(pool_tasks.nothing, range(100))
    start = time.perf_counter()
    pool.each(pool_tasks.nothing, range(count))
    return [count / (time.perf_counter() - start)]


def processor(pool: Pool, quick: bool) -> list[float]:
    """Tasks of pure Python: how many times as fast as one after the other, here."""
    size, count = (1000, 4) if quick else (400_000, 20)
    return _speedups(pool, [size] * count)


def skewed(pool: Pool, quick: bool) -> list[float]:
    """The same when a few tasks are long, and come late."""
    size = 500 if quick else 100_000
    return _speedups(pool, [size] * 40 + [size * 10] * 4 + [size] * 20)


def _speedups(pool: Pool, sizes: list[int]) -> list[float]:
    for _ in range(2 * WORKERS):
        pool.call(pool_tasks.spin, 10)
    serial, parallel = [], []
    # In turns, and the best of each: what else goes on here is not in the same share in both.
    for _ in range(3):
        start = time.perf_counter()
        expected = [pool_tasks.spin(size) for size in sizes]
        serial.append(time.perf_counter() - start)
        start = time.perf_counter()
        found = pool.each(pool_tasks.spin, sizes)
        parallel.append(time.perf_counter() - start)
        if sorted(found) != sorted(expected):
            raise AssertionError("other results")
    return [min(serial) / min(parallel)]


def _argument(make: Callable[[int], Any]) -> Callable[[Pool, bool], list[float]]:
    def measure(pool: Pool, quick: bool) -> list[float]:
        data = make(MIB if quick else 64 * MIB)
        return _times(lambda: pool.call(pool_tasks.size, data), 10 if quick else 2000, 1.0)

    return measure


def importing(pool: Pool, quick: bool) -> list[float]:
    """What importing takes in new interpreters, in microseconds."""
    send, recv = interlane.create_channel[float]()
    for _ in range(2 if quick else 20):
        interpreter = interpreters.create()
        interpreter.exec(f"import sys, time\nsys.path[:] = {sys.path!r}")
        # Within one call: to call into an interpreter takes a third of a millisecond from the main thread.
        timed = f"start = time.perf_counter()\nimport {pool.imports}\nelapsed = time.perf_counter() - start"
        interpreter.exec(timed)
        interpreter.prepare_main(send=send)
        interpreter.exec("send.send(elapsed * 1e6)")
        interpreter.close()
    return recv.recv_many()


def memory(pool: Pool, quick: bool) -> list[float]:
    """What importing adds to the memory of the process in each new interpreter, in KiB."""
    crowd = [interpreters.create() for _ in range(4 if quick else 40)]
    for interpreter in crowd:
        interpreter.exec(f"import sys\nsys.path[:] = {sys.path!r}")
    before = _resident()
    for interpreter in crowd:
        interpreter.exec(f"import {pool.imports}")
    grown = _resident() - before
    for interpreter in crowd:
        interpreter.close()
    return [grown / len(crowd)]


def _resident() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise OSError("no VmRSS in /proc/self/status")


@dataclass(frozen=True)
class Scenario:
    """What is measured, how, and of whom."""

    title: str
    unit: str
    measure: Callable[[Pool, bool], list[float]]
    pools: tuple[str, ...] = ALL


SCENARIOS = {
    "round-trip": Scenario("A no-op task there and back", "us", round_trip),
    "many": Scenario("10 000 no-op tasks by map(chunksize=1)", "tasks/s", many),
    "processor": Scenario("20 equal tasks of pure Python, two workers, over serial", "x", processor),
    "skewed": Scenario("60 short tasks with 4 long ones among them, over serial", "x", skewed),
    "argument-int": Scenario("An int as argument", "us", _argument(lambda size: size)),
    "argument-str": Scenario("A str of 64 MiB as argument", "us", _argument(lambda size: "x" * size)),
    "argument-buffer": Scenario("A bytearray of 64 MiB as argument", "us", _argument(bytearray)),
    "argument-bytes": Scenario("bytes of 64 MiB as argument", "us", _argument(bytes)),
    "argument-shared": Scenario(
        "SharedBytes of 64 MiB as argument",
        "us",
        _argument(lambda size: interlane.SharedBytes(bytes(size))),
        ("interlane",),
    ),
    "import": Scenario("Importing it in a new interpreter", "us", importing, IMPORTS),
    "memory": Scenario("Memory for that", "KiB", memory, IMPORTS),
}

_TRIP = least_of("round-trip", "interlane")
_MANY = least_of("many", "interlane")
_INT = least_of("argument-int", "interlane")
TARGETS = (
    Target(
        "no-op, the standard interpreter pool's over ours",
        over(least_of("round-trip", "InterpreterPoolExecutor"), _TRIP),
        "x",
        at_least=6,
    ),
    Target("no-op, over bocpy's", over(_TRIP, least_of("round-trip", "bocpy")), "x", at_most=1),
    Target(
        "10 000 no-ops, over the standard pool's rate",
        over(_MANY, least_of("many", "InterpreterPoolExecutor")),
        "x",
        at_least=10,
    ),
    Target(
        "10 000 no-ops, over ThreadPoolExecutor's rate",
        over(_MANY, least_of("many", "ThreadPoolExecutor")),
        "x",
        at_least=1,
    ),
    Target(
        "pure Python on two processors, over serial", least_of("processor", "interlane"), "x", at_least=1.9
    ),
    # What no clock can tell from noise is no more.
    *(
        Target(
            f"64 MiB as {kind}, over an int",
            over(least_of(f"argument-{name}", "interlane"), _INT),
            "x",
            at_most=1.1,
        )
        for name, kind in (
            ("str", "str"),
            ("buffer", "bytearray"),
            ("shared", "SharedBytes"),
            ("bytes", "bytes"),
        )
    ),
    Target("importing interlane in a new interpreter", least_of("import", "interlane"), "us", at_most=2000),
    Target(
        "the same, beyond an empty package",
        beyond(least_of("import", "interlane"), least_of("import", "an empty package")),
        "us",
        at_most=2000,
    ),
    Target("memory for that", least_of("memory", "interlane"), "KiB", at_most=300),
    Target(
        "the same, beyond an empty package",
        beyond(least_of("memory", "interlane"), least_of("memory", "an empty package")),
        "KiB",
        at_most=300,
    ),
)


def one(scenario: str, contender: str, quick: bool) -> None:
    """Measures, in this process, and prints a line of JSON."""
    chosen = SCENARIOS[scenario]
    with POOLS[contender][0]() as pool:
        values = sorted(chosen.measure(pool, quick))
    line = {"median": statistics.median(values), "p99": values[int((len(values) - 1) * 0.99)]}
    print(json.dumps({**line, "count": len(values)}))


def measure(name: str, repetitions: int, quick: bool) -> Results:
    """Lets the contenders of a scenario take turns."""
    results: Results = {}
    for _ in range(repetitions):
        for contender in SCENARIOS[name].pools:
            result = results.setdefault(contender, Result())
            result.failure = result.failure or POOLS[contender][1]
            command = [sys.executable, __file__, "--one", name, contender, *(["--quick"] if quick else [])]
            child.add(result, command, PATIENCE)
    return results


def main() -> None:
    """Measures and prints what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one turn each, and less of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="repeatable")
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--one", nargs=2, metavar=("SCENARIO", "CONTENDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one, options.quick)
        return
    print(", ".join(f"{name}: {value}" for name, value in describe().items()), flush=True)
    results: dict[str, Results] = {}
    for name, scenario in SCENARIOS.items():
        if options.only and name not in options.only:
            continue
        repetitions = 1 if options.quick or options.short else options.repetitions
        results[name] = measure(name, repetitions, options.quick)
        print("\n" + "\n".join(table(scenario, results[name])), flush=True)
    print("\n" + "\n".join(target_table(results, TARGETS)))
    if options.json:
        figures = {
            name: {contender: asdict(result) for contender, result in rows.items()}
            for name, rows in results.items()
        }
        options.json.write_text(json.dumps({"machine": describe(), "results": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
