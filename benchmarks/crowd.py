"""Several senders and several receivers at one queue: 1 by 1 to 8 by 8, an `int` at a time.

All start at the same moment, and go wherever the system puts them. A rate that falls with their number is a
collapse. The Rust channels, between as many plain threads, are the yardstick (`$INTERLANE_RUST_BENCH`).
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import child
import gate
import interlane
import session
from interlane import interpreters
from interlane._bench.contenders import BOCPY, STANDARD
from interlane._bench.results import Result, Results
from interlane._bench.scenarios import RUST_QUEUES
from targets import Target, least_of, over

TITLE = "Crowds"
RUST = os.environ.get("INTERLANE_RUST_BENCH", "")
SIZES = (1, 2, 4, 8)
# Longest for one crowd of one contender, in seconds.
PATIENCE = 60

# What everybody runs. A receiver notes when its last item came.
PEER = """
from time import perf_counter as clock
def send(ends, folder, count):
    outbox, _ = ends
    gate(folder)
SEND
def receive(ends, folder):
    _, inbox = ends
    gate(folder)
    count, end = 0, 0.0
RECEIVE
    with open(folder + "/ends", "a") as file:
        file.write(f"{count} {end!r}\\n")
"""
SEND = """\
    for item in range(count):
        PUT
"""
RECEIVE = """\
    while GET is not None:
        count += 1
    end = clock()
"""
SEND_MANY = """\
    for first in range(0, count, 1000):
        outbox.send_many(range(first, min(count, first + 1000)))
"""
# Several may have come together, and the one that says that there are no more in any place.
RECEIVE_MANY = """\
    while True:
        items = inbox.recv_many(1000)
        stops = items.count(None)
        count += len(items) - stops
        if stops:
            for _ in range(stops - 1):
                ends[0].send(None)
            break
    end = clock()
"""


def serve(source: str, role: str, *args: Any) -> None:
    """Runs a part on this thread, in this process."""
    names: dict[str, Any] = {}
    exec(source, names)
    names[role](*args)


type Start = Callable[..., Any]


def _interpreter(source: str) -> Iterator[Start]:
    while True:
        peer = interpreters.create()
        peer.exec(f"import interlane\n{source}")

        def start(role: str, ends: Any, *args: Any, peer: Any = peer) -> threading.Thread:
            peer.prepare_main(outbox=ends[0], inbox=ends[1])
            call = f"{role}((outbox, inbox), *{args!r})"
            return threading.Thread(target=peer.exec, args=(call,))

        yield start


def _thread(source: str) -> Iterator[Start]:
    while True:
        yield lambda *args: threading.Thread(target=serve, args=(source, *args))


def _process(source: str) -> Iterator[Start]:
    while True:
        yield lambda *args: multiprocessing.get_context("spawn").Process(target=serve, args=(source, *args))


@dataclass(frozen=True)
class Crowd:
    """A kind of queue, who uses it and how."""

    name: str
    # The ends for senders and receivers.
    open: Callable[[], tuple[Any, Any]]
    peers: Callable[[str], Iterator[Start]]
    put: str = "outbox.put(item)"
    get: str = "inbox.get()"
    send: str = SEND
    receive: str = RECEIVE
    count: int = 400_000
    missing: str = ""

    def source(self) -> str:
        """Returns what everybody runs."""
        text = (gate.SOURCE + PEER).replace("SEND\n", self.send).replace("RECEIVE\n", self.receive)
        return text.replace("PUT", self.put).replace("GET", self.get)


def _same(queue: Any) -> tuple[Any, Any]:
    return queue, queue


def _simple() -> tuple[Any, Any]:
    import queue

    return _same(queue.SimpleQueue())


# So many take some tenths of a second, of which the beginning and the end of the crowd are little.
INTERLANE = Crowd(
    "interlane",
    interlane.create_channel,
    _interpreter,
    "outbox.send(item)",
    "inbox.recv()",
    count=2_000_000,
)
CROWDS = (
    INTERLANE,
    replace(
        INTERLANE,
        name="interlane, 1000 at once",
        send=SEND_MANY,
        receive=RECEIVE_MANY,
        count=4_000_000,
    ),
    replace(INTERLANE, name="interlane, room for 64", open=lambda: interlane.create_channel(64)),
    Crowd(
        STANDARD.name,
        lambda: _same(interpreters.create_queue()),  # type: ignore[attr-defined]  # 3.14 on
        _interpreter,
        missing=STANDARD.missing,
        count=50_000,
    ),
    Crowd(
        "multiprocessing.Queue",
        lambda: _same(multiprocessing.get_context("spawn").Queue()),
        _process,
        count=50_000,
    ),
    Crowd(
        BOCPY.name,
        lambda: ("crowd", "crowd"),
        _interpreter,
        "bocpy.send(outbox, item)",
        "bocpy.receive(inbox)[1]",
        count=50_000,
        missing=BOCPY.missing,
    ),
    Crowd("queue.SimpleQueue, threads", _simple, _thread),
)


def measure(crowd: Crowd, size: int, count: int) -> dict[str, float]:
    """Returns how many items went through in a second."""
    source = crowd.source()
    if crowd.name == BOCPY.name:
        import bocpy

        bocpy.set_tags(["crowd"])
        source = f"import bocpy\n{source}"
    ends = crowd.open()
    with tempfile.TemporaryDirectory() as folder:
        starts = crowd.peers(source)
        receivers, senders = ([next(starts) for _ in range(size)] for _ in range(2))
        receivers = [start("receive", ends, folder) for start in receivers]
        senders = [start("send", ends, folder, count // size) for start in senders]
        for peer in (*receivers, *senders):
            peer.start()
        begin = gate.release(folder, 2 * size)
        for sender in senders:
            sender.join()
        put: dict[str, Any] = {"outbox": ends[0], "bocpy": sys.modules.get("bocpy"), "item": None}
        for _ in receivers:
            exec(crowd.put, put)
        for receiver in receivers:
            receiver.join()
        lines = [line.split() for line in Path(folder, "ends").read_text().splitlines()]
    received = sum(int(line[0]) for line in lines)
    if received != count // size * size:
        raise AssertionError(f"{received} of {count // size * size} items have arrived")
    rate = received / (max(float(line[1]) for line in lines) - begin)
    return {"median": rate, "p99": rate, "count": received}


def _commands(size: int, scale: float) -> Iterator[tuple[str, list[str] | str]]:
    for number, crowd in enumerate(CROWDS):
        command = [sys.executable, __file__, "--one", str(number), str(size), str(int(crowd.count * scale))]
        yield crowd.name, crowd.missing or command
    for name in RUST_QUEUES:
        command = [RUST, f"crowd-{size}", name, str(int(1_000_000 * scale))]
        yield name, command if RUST else "crates/bench is not built, see ci/bench.sh"


def _collapse(name: str) -> Callable[[dict[str, Results]], float]:
    return over(least_of("8 by 8", name), least_of("1 by 1", name))


TARGETS = (
    *(
        Target(f"8 by 8 over 1 by 1, {name}", _collapse(name), "x", at_least=0.5)
        for name in ("interlane", "interlane, 1000 at once", "interlane, room for 64")
    ),
    Target(
        "8 by 8, over the standard library's queue",
        over(least_of("8 by 8", "interlane"), least_of("8 by 8", STANDARD.name)),
        "x",
        at_least=4,
    ),
)


def rows(results: dict[str, Results]) -> Iterator[str]:
    """Yields the table: all that take part, by the size of the crowd."""
    yield f"{'Senders by receivers at one queue [thousand/s]':46}" + "".join(
        f"{name:>12}" for name in results
    )
    for name in next(iter(results.values())):
        found = [results[size][name] for size in results]
        cells = [f"{one.median / 1e3:>12,.0f}" if one.medians else f"{'-':>12}" for one in found]
        failures = {one.failure for one in found if one.failure}
        yield f"  {name:44}{''.join(cells)}  {'; '.join(failures)}"


def main() -> None:
    """Measures and prints."""
    parser = session.arguments(__doc__)
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--only", default="", metavar="NAME", help="only this contender")
    parser.add_argument(
        "--one", nargs=3, type=int, metavar=("CROWD", "SIZE", "COUNT"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.one:
        number, size, count = options.one
        print(json.dumps(measure(CROWDS[number], size, count)))
        return
    machine = session.begin()
    scale = 0.002 if options.quick else 0.3 if options.short else 1.0
    sizes = SIZES if not options.quick else (1, 8)
    results: dict[str, Results] = {f"{size} by {size}": {} for size in sizes}
    for _ in range(1 if options.quick or options.short else options.repetitions):
        for size in sizes:
            rows_of_size = results[f"{size} by {size}"]
            for name, command in _commands(size, scale):
                if options.only and name != options.only:
                    continue
                result = rows_of_size.setdefault(name, Result())
                if isinstance(command, str):
                    result.failure = command
                else:
                    child.add(result, command, PATIENCE)
                if name.startswith("Rust") and result.medians:
                    result.medians[-1] *= 1e3  # it says thousands
    print("\n" + "\n".join(rows(results)))
    session.end(machine, results, TARGETS, options.json)


if __name__ == "__main__":
    main()
