"""Which queue suits a pool whose tasks take unequally long: one that all workers share, or one each?

The same loop in isolated interpreters, over channels of interlane: with one queue; with one for each worker,
from which others steal when theirs is empty; and with those without stealing. All tasks are there before the
first one begins, dealt in turns. The layouts take turns too, each several times; medians, in milliseconds.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import interlane
import pool_tasks
from interlane import interpreters
from interlane._bench.machine import describe

WORKERS = 2


def shared(sizes: list[int]) -> list[list[Any]]:
    """Returns the same queue for everybody."""
    queue = _queue(sizes)
    return [[queue]] * WORKERS


def alone(sizes: list[int]) -> list[list[Any]]:
    """Returns a queue for each, and nobody helps."""
    return [[_queue(sizes[n::WORKERS])] for n in range(WORKERS)]


def stealing(sizes: list[int]) -> list[list[Any]]:
    """Returns a queue for each, and then those of the others."""
    queues = [own for (own,) in alone(sizes)]
    return [queues[n:] + queues[:n] for n in range(WORKERS)]


def _queue(sizes: list[int]) -> Any:
    send, recv = interlane.create_channel[int]()
    with send:
        send.send_many(sizes)
    return recv


def measure(crew: list[Any], layout: Callable[[list[int]], list[list[Any]]], sizes: list[int]) -> float:
    """Returns how long it takes, in milliseconds."""
    begin = interlane.Event()
    send, results = interlane.create_channel[str]()
    threads = [
        one.call_in_thread(pool_tasks.work_off, begin, send, *queues)
        for one, queues in zip(crew, layout(sizes), strict=True)
    ]
    for _ in crew:
        results.recv()
    start = time.perf_counter()
    begin.set()
    for _ in crew:
        results.recv()
    taken = time.perf_counter() - start
    for thread in threads:
        thread.join()
    return taken * 1e3


def tasks(scale: int) -> dict[str, list[int]]:
    """Returns the lengths of the tasks, by what they are."""
    tail = random.Random(6)
    return {
        "equal": [scale] * 60,
        "4 long ones late": [scale] * 40 + [scale * 10] * 4 + [scale] * 20,
        "1 long one first": [scale * 20] + [scale] * 60,
        "every second one long": [scale * 4, scale // 4] * 30,
        "heavy tail": [int(scale * tail.paretovariate(1.2)) for _ in range(60)],
        "no-ops": [0] * (scale // 2),
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N", help="default: %(default)s")
    options = parser.parse_args()
    print(", ".join(f"{name}: {value}" for name, value in describe().items()), flush=True)
    layouts = {"one queue": shared, "stealing": stealing, "one each": alone}
    crew = [interpreters.create() for _ in range(WORKERS)]
    for one in crew:
        one.exec(f"import sys\nsys.path[:] = {sys.path!r}\nimport pool_tasks")
    print(f"{'':24}" + "".join(f"{name:>12}" for name in layouts))
    for name, sizes in tasks(200 if options.quick else 40_000).items():
        times: dict[str, list[float]] = {layout: [] for layout in layouts}
        for _ in range(1 if options.quick else options.repetitions):
            for layout, make in layouts.items():
                times[layout].append(measure(crew, make, sizes))
        print(f"{name:24}" + "".join(f"{statistics.median(row):12.1f}" for row in times.values()), flush=True)
    for one in crew:
        one.close()


if __name__ == "__main__":
    main()
