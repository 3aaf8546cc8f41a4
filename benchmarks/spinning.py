"""What it costs to wait while the other side is slow: processor time of the thread that waits.

A thread sends an `int` and waits for the answer, for which the peer takes its time: none, 20 µs, and so on to
0.1 s. Who spins before it sleeps answers a fast peer sooner, and wastes what it spins on a slow one: how much
may not grow with the wait. Beside it `queue.SimpleQueue` between threads, which never spins, and bocpy.
"""

import argparse
import json
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import child
import session
from interlane._bench.contenders import BOCPY, INTERLANE, INTERLANE_TIMED, THREADS, Contender
from interlane._bench.machine import MAIN, PEER, pin
from interlane._bench.results import Result, Results
from targets import Target, beyond, least_of

TITLE = "Spinning"
CONTENDERS = (INTERLANE, INTERLANE_TIMED, THREADS, BOCPY)
# Seconds that the peer takes.
DELAYS = (0.0, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 10e-3, 100e-3)

# It sleeps, so that threads of one interpreter can take part: one that works would have their GIL.
PEER_SOURCE = """\
from time import sleep
def serve():
    while (item := GET) is not None:
        if DELAY:
            sleep(DELAY)
        PUT
"""
MAIN_SOURCE = """\
from time import perf_counter, thread_time
def measure(seconds, most):
    item, count = 1, 0
    for _ in range(20):
        PUT
        GET
    start, spent = perf_counter(), thread_time()
    while not count or (count < most and perf_counter() - start < seconds):
        PUT
        GET
        count += 1
    spent, elapsed = thread_time() - spent, perf_counter() - start
    item = None
    PUT
    return spent / count, elapsed / count, count
"""


def measure(contender: Contender, delay: float, seconds: float) -> dict[str, float]:
    """Returns the microseconds of processor time for one wait, and how long that was."""
    pin(MAIN)
    with contender.open() as link:
        names: dict[str, Any] = dict(link.names)
        exec(contender.fill(MAIN_SOURCE), names)
        affinity = "" if PEER is None else f"import os\nos.sched_setaffinity(0, {{{PEER}}})\n"
        body = contender.fill(PEER_SOURCE, peer=True).replace("DELAY", repr(delay))
        # Not on the main thread, which looks for signals ten times a second.
        with link.start(f"{affinity}{body}serve()\n"), ThreadPoolExecutor(1) as thread:
            arguments = max(seconds, 5 * delay), 20_000
            spent, elapsed, count = thread.submit(names["measure"], *arguments).result()
    return {"median": spent * 1e6, "p99": elapsed * 1e6, "count": count}


def name_of(delay: float) -> str:
    """Returns the delay as people say it."""
    return f"{delay * 1e3:g} ms" if delay >= 1e-3 else f"{delay * 1e6:g} us"


# What a wait may spin for is 50 us, and only while waits are short.
TARGETS = tuple(
    Target(
        f"a wait of {name_of(delay)}, beyond SimpleQueue's",
        beyond(least_of(name_of(delay), INTERLANE.name), least_of(name_of(delay), THREADS.name)),
        "us",
        at_most=50,
    )
    for delay in DELAYS
    if delay
)


def main() -> None:
    """Measures and prints."""
    parser = session.arguments(__doc__)
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--one", nargs=3, metavar=("CONTENDER", "DELAY", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        number, delay, seconds = options.one
        print(json.dumps(measure(CONTENDERS[int(number)], float(delay), float(seconds))))
        return
    machine = session.begin()
    delays = DELAYS[:2] if options.quick else DELAYS
    seconds = 0.02 if options.quick else 0.2 if options.short else 1.0
    results: dict[str, Results] = {name_of(delay): {} for delay in delays}
    for _ in range(1 if options.quick or options.short else options.repetitions):
        for delay in delays:
            for number, contender in enumerate(CONTENDERS):
                result = results[name_of(delay)].setdefault(contender.name, Result(failure=contender.missing))
                command = [sys.executable, __file__, "--one", str(number), str(delay), str(seconds)]
                child.add(result, command, 60)
    heads = "".join(f"{name:>9}" for name in results)
    print(f"\n{'Processor time of a wait [us], the peer takes':46}{heads}")
    for contender in CONTENDERS:
        found = [rows[contender.name] for rows in results.values()]
        cells = "".join(f"{it.median:>9.1f}" if it.medians else f"{'-':>9}" for it in found)
        failures = {it.failure for it in found if it.failure}
        print(f"  {contender.name:44}{cells}  {'; '.join(failures)}")
        if all(it.medians for it in found):
            # How long the wait was is where others keep their percentiles.
            shares = (it.median / statistics.median(it.p99s) for it in found)
            print(f"  {'  of the time that it waits':44}{''.join(f'{share:>9.1%}' for share in shares)}")
    session.end(machine, results, TARGETS, options.json)


if __name__ == "__main__":
    main()
