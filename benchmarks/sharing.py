"""What sharing costs: handing 64 MiB over, the last drop, a million releases at once, a call through a proxy.

Each subject has a process of its own. Between interpreters, the two sides are bound to one processor each.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.managers import BaseManager
from typing import Any

import child
import interlane
import session
from interlane import interpreters
from interlane._bench.machine import MAIN, PEER, pin
from interlane._bench.results import Result, Results
from targets import Target, beyond, least_of

LARGE = 2**26
# The least that is shared: a million of it have to be there at once.
LEAST = 1024
GIVEN = "64 MiB there, dropped there, and an answer [us]"
DROPPED = "The last drop, in a borrower [ns]"
RELEASED = "Releases that have piled up [thousand/s]"
CALLED = "A call from a thread, of an idle owner [us]"

type Line = dict[str, float]


def _line(values: list[float]) -> Line:
    """Returns the median and the 99th percentile of the values."""
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "count": len(ordered),
    }


def _peer(code: str, **names: Any) -> threading.Thread:
    """Runs code in an interpreter of its own, on the other processor."""
    peer = interpreters.create()
    peer.prepare_main(**names)

    def run() -> None:
        pin(PEER)
        peer.exec(code)
        peer.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _trips(count: int, trip: Callable[[], object]) -> Line:
    for _ in range(count // 10):
        trip()
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        trip()
        times.append((time.perf_counter_ns() - start) / 1e3)
    return _line(times)


ECHO = """
import interlane
try:
    while True:
        item = requests.recv()
        del item
        answers.send(1)
except interlane.EndOfChannel:
    pass
"""


def given(count: int, item: Callable[[], object]) -> Line:
    """Measures with one of ours, made anew for each trip by `item`."""
    to, requests = interlane.create_channel()
    answers, back = interlane.create_channel()
    with requests, answers:
        thread = _peer(ECHO, requests=requests, answers=answers)

    def trip() -> None:
        to.send(item())
        back.recv()

    with to, back:
        found = _trips(count, trip)
        to.close()
        thread.join()
    return found


STANDARD_ECHO = """
while (item := requests.get()) is not None:
    del item
    answers.put(1)
"""


def given_by_queue(count: int, item: Callable[[], object]) -> Line:
    """Measures with the standard library's queue."""
    requests: Any = interpreters.create_queue()  # type: ignore[attr-defined]  # 3.14 on
    answers: Any = interpreters.create_queue()  # type: ignore[attr-defined]  # 3.14 on
    thread = _peer(STANDARD_ECHO, requests=requests, answers=answers)

    def trip() -> None:
        requests.put(item())
        answers.get()

    found = _trips(max(count // 100, 10), trip)
    requests.put(None)
    thread.join()
    return found


# How many are dropped between two looks at the clock; they fit into the processor's caches.
TOGETHER = 1000
DROP = """
import time
items = []
for item in requests:
    if item is not None:
        items.append(item)
        continue
    start = time.perf_counter_ns()
    items.clear()
    times.send(time.perf_counter_ns() - start)
"""


def dropped(count: int, item: Callable[[int], object]) -> Line:
    """Measures with shares of our item."""
    to, requests = interlane.create_channel()
    times, back = interlane.create_channel()
    with requests, times:
        thread = _peer(DROP, requests=requests, times=times)
    found = []
    with to, back:
        for number in range(count):
            to.send(item(number))
            if number % TOGETHER == TOGETHER - 1:
                to.send(None)
                found.append(back.recv() / TOGETHER)
        to.close()
        thread.join()
    return _line(found)


def dropped_locally(count: int, item: Any) -> Line:
    """Measures with memoryviews of an interpreter's own."""
    times = []
    for _ in range(count // TOGETHER):
        views = [memoryview(item) for _ in range(TOGETHER)]
        start = time.perf_counter_ns()
        views.clear()
        times.append((time.perf_counter_ns() - start) / TOGETHER)
    return _line(times)


RELEASE = """
import time
items = []
while len(items) < count:
    items += requests.recv_many(count)
waiting.send(None)
begin.recv()
items.clear()
done[0] = 1
"""


def released(count: int, item: Callable[[int], object]) -> Line:
    """Has releases pile up while their owner is in one call that keeps the GIL, then releases them."""
    to, requests = interlane.create_channel()
    waiting, ready = interlane.create_channel()
    start, begin = interlane.create_channel()
    done = interlane.SharedBuffer(1)
    seen = memoryview(done)  # looking at it is no call into interlane, which would release
    with requests, waiting, begin:
        thread = _peer(RELEASE, requests=requests, waiting=waiting, begin=begin, done=done, count=count)
    with to, ready, start:
        for number in range(count):
            to.send(item(number))
        ready.recv()
        # Keeps the GIL: the reaper gets in only when a part of this is over, and then has nothing to do yet.
        sys.setswitchinterval(60)
        start.send(None)
        while not seen[0]:
            sum(range(1000))
        begun = time.perf_counter_ns()
        number = interlane.collect()
        spent = time.perf_counter_ns() - begun
        sys.setswitchinterval(0.005)
    thread.join()
    if number < count * 0.9:
        raise RuntimeError(f"the reaper was there first: {number} of {count} were left")
    return {"median": number / spent * 1e6, "p99": 0, "count": number}


class Service:
    """What is called."""

    def answer(self) -> int:
        """Returns at once."""
        return 42


SERVE = """
import interlane
class Service:
    def answer(self):
        return 42
services.send(interlane.proxy(Service()))
end.recv()
"""


def called(count: int, _: object) -> Line:
    """Measures with a proxy of an object of an interpreter that waits for something else."""
    services, arrived = interlane.create_channel()
    finish, end = interlane.create_channel()
    with services, end:
        thread = _peer(SERVE, services=services, end=end)
    with arrived, finish:
        service = arrived.recv()
        answer = service.answer
        found = _on_a_thread(partial(_trips, count, answer))
        del service, answer
        finish.send(None)
        thread.join()
    return found


def called_by_interpreter(count: int, _: object) -> Line:
    """Measures with `Interpreter.call`."""
    owner = interpreters.create()
    found = _on_a_thread(lambda: _trips(count // 10, lambda: owner.call(abs, -42)))
    owner.close()
    return found


class Manager(BaseManager):
    """Has a process of its own."""


Manager.register("Service", Service)


def called_by_manager(count: int, _: object) -> Line:
    """Measures with a proxy of `multiprocessing`'s."""
    with Manager() as manager:
        service: Any = manager.Service()  # type: ignore[attr-defined]  # registered above
        return _on_a_thread(lambda: _trips(count // 10, service.answer))


def _on_a_thread(work: Callable[[], Line]) -> Line:
    found: list[Line] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@dataclass(frozen=True)
class Subject:
    """Something that is measured."""

    scenario: str
    name: str
    measure: Callable[[int, Any], Line]
    make: Callable[[], Any]
    count: int
    missing: str = ""


NEW = "" if sys.version_info >= (3, 14) else "it came with Python 3.14"


def _always(item: Any) -> Callable[..., Any]:
    """Returns what returns the item each time."""
    return lambda *_: item


def _text(number: int) -> str:
    """Returns another text for each number; each is its owner's."""
    return f"{number:{LEAST}}"


SUBJECTS = (
    Subject(GIVEN, "interlane, int", given, lambda: _always(1_000_000), 20_000),
    Subject(GIVEN, "interlane, bytearray", given, lambda: _always(bytearray(LARGE)), 20_000),
    Subject(
        GIVEN,
        "interlane, share(bytearray)",
        given,
        lambda: partial(interlane.share, bytearray(LARGE)),
        20_000,
    ),
    Subject(
        GIVEN, "concurrent.interpreters.Queue, int", given_by_queue, lambda: _always(1_000_000), 20_000, NEW
    ),
    Subject(
        GIVEN,
        "concurrent.interpreters.Queue, memoryview",
        given_by_queue,
        lambda: _always(memoryview(bytearray(LARGE))),
        20_000,
        NEW,
    ),
    Subject(DROPPED, "interlane, str", dropped, lambda: _text, 400_000),
    Subject(DROPPED, "interlane, bytearray", dropped, lambda: _always(bytearray(LEAST)), 400_000),
    Subject(DROPPED, "a memoryview of one's own", dropped_locally, lambda: bytearray(LEAST), 400_000),
    Subject(RELEASED, "interlane, str", released, lambda: _text, 1_000_000),
    Subject(RELEASED, "interlane, bytearray", released, lambda: _always(bytearray(LEAST)), 1_000_000),
    Subject(CALLED, "interlane, proxy", called, lambda: None, 20_000),
    Subject(CALLED, "concurrent.interpreters, Interpreter.call", called_by_interpreter, lambda: None, 20_000),
    Subject(CALLED, "multiprocessing, manager's proxy", called_by_manager, lambda: None, 20_000),
)


def _over_int(name: str) -> Any:
    return beyond(least_of(GIVEN, name), least_of(GIVEN, "interlane, int"))


TARGETS = (
    Target("64 MiB of bytearray, over an int", _over_int("interlane, bytearray"), "us", at_most=3),
    Target("the same, shared by name", _over_int("interlane, share(bytearray)"), "us", at_most=3),
    Target("the last drop of a str", least_of(DROPPED, "interlane, str"), "ns", at_most=100),
    Target("the last drop of a bytearray", least_of(DROPPED, "interlane, bytearray"), "ns", at_most=100),
    Target("a million releases of str", least_of(RELEASED, "interlane, str"), "thousand/s", at_least=5_000),
    Target(
        "a million releases of bytearray",
        least_of(RELEASED, "interlane, bytearray"),
        "thousand/s",
        at_least=5_000,
    ),
    Target("a call through a proxy", least_of(CALLED, "interlane, proxy"), "us", at_most=2),
)


def main() -> None:
    """Measures and prints."""
    parser = session.arguments(__doc__)
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only subjects with TEXT in what they are of"
    )
    parser.add_argument("--one", nargs=2, type=int, metavar=("SUBJECT", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        pin(MAIN)
        interlane.set_share_threshold(LEAST)
        subject = SUBJECTS[options.one[0]]
        print(json.dumps(subject.measure(options.one[1], subject.make())))
        return
    machine = session.begin()
    results: dict[str, Results] = {}
    turns = 1 if options.quick or options.short else 3
    for number, subject in enumerate(SUBJECTS):
        if options.only not in subject.scenario:
            continue
        if subject.scenario not in results:
            print(f"\n{subject.scenario:44}{'median':>12}{'p99':>12}")
        count = subject.count // (100 if options.quick else 1)
        result = results.setdefault(subject.scenario, {}).setdefault(
            subject.name, Result(failure=subject.missing)
        )
        for _ in range(turns):
            child.add(result, [sys.executable, __file__, "--one", str(number), str(count)])
        text = f"{result.median:>12,.2f}" if result.medians else f"  left out: {result.failure}"
        text += f"{result.p99:>12,.2f}" if result.medians and subject.scenario in (GIVEN, CALLED) else ""
        print(f"  {subject.name:42}{text}", flush=True)
    session.end(machine, results, TARGETS, options.json)


if __name__ == "__main__":
    main()
