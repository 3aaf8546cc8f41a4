"""What it costs to hand memory over: 1 KiB to 1 GiB, to an interpreter that reads its ends and answers.

`--json FILE` keeps the figures, of which `chart.py` makes docs/handover.svg. Each contender has a process of
its own for each size. The last lines are one gibibyte in eight interpreters at once, and what that takes.
"""

import argparse
import importlib.util
import json
import statistics
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import child
import interlane
from interlane import SharedBuffer, SharedBytes, SharedStr, interpreters
from interlane._bench.contenders import BOCPY, INTERLANE, PROCESSES, STANDARD, Contender
from interlane._bench.machine import MAIN, PEER, describe, pin
from interlane._bench.results import Result, Results
from targets import Target, least_of, table as target_table

SIZES = (2**10, 2**20, 2**26, 2**30)
QUICK = (2**10, 2**14)
SHORT = (2**10, 2**26)
# The most repetitions for one contender and size.
MOST = 2000

# What the peer does with whatever arrives.
LOOK = "item = (item[0], item[-1]) and 1"
ATTACH = """\
memory = SharedMemory(item)
item = (memory.buf[0], memory.buf[-1]) and 1
memory.close()
"""
# interlane's arrays export Arrow's structures; what reads them here is the least that any consumer does.
LOOK_ARROW = """\
first = item.__arrow_c_stream__()
item = 1
"""
LOOK_TABLE = """\
column = item.column(0)
item = (column[0], column[-1]) and 1
"""
MAP_TABLE = """\
with pa.memory_map(item) as source:
    table = pa.ipc.open_file(source).read_all()
    column = table.column(0)
    item = (column[0], column[-1]) and 1
    del table, column
"""
# bocpy's Matrix has one holder at a time, so it comes back in place of the answer.
RETURN = "item[0, 0], item[0, item.columns - 1]"


def _zeros(nbytes: int) -> Any:
    import numpy as np

    return np.zeros(nbytes, "u1")


def _segment(nbytes: int) -> Any:
    from multiprocessing.shared_memory import SharedMemory

    return SharedMemory(create=True, size=nbytes)


def _table(nbytes: int) -> Any:
    import numpy as np
    import pyarrow as pa

    half = np.zeros(nbytes // 16, "i8")
    return pa.table({"number": half, "value": half.view("f8").copy()})


def _file(nbytes: int) -> Any:
    """As Arrow's own way to other processes: a file in memory, in its format, which they map."""
    import pyarrow as pa

    file = tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".arrow")  # noqa: SIM115 - kept until the end
    table = _table(nbytes)
    with pa.OSFile(file.name, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return file


def _matrix(nbytes: int) -> Any:
    import bocpy

    return bocpy.Matrix.zeros((1, nbytes // 8))


@dataclass(frozen=True)
class Way:
    """A kind of memory, and what carries it."""

    name: str
    carrier: Contender
    make: Callable[[int], Any]
    look: str = LOOK
    missing: str = ""

    def named(self, large: Any) -> Any:
        """Returns what is sent of it: itself, or the name by which the peer finds it."""
        return large.name if self.look in (ATTACH, MAP_TABLE) else large


NO_ARROW = "" if importlib.util.find_spec("pyarrow") else "pyarrow is not installed"
NO_FILE = NO_ARROW or ("" if Path("/dev/shm").is_dir() else "there is no /dev/shm")
WAYS = (
    Way("interlane, SharedBytes", INTERLANE, lambda nbytes: SharedBytes(bytes(nbytes))),
    Way("interlane, SharedStr", INTERLANE, lambda nbytes: SharedStr("x" * nbytes)),
    Way("interlane, SharedBuffer", INTERLANE, SharedBuffer),
    Way("interlane, bytearray", INTERLANE, bytearray),
    Way(
        "interlane, numpy.ndarray",
        INTERLANE,
        _zeros,
        missing="" if importlib.util.find_spec("numpy") else "NumPy is not installed",
    ),
    Way("interlane, pyarrow.Table", INTERLANE, _table, look=LOOK_ARROW, missing=NO_ARROW),
    Way("concurrent.interpreters.Queue, bytes", STANDARD, bytes, missing=STANDARD.missing),
    Way(
        "concurrent.interpreters.Queue, memoryview",
        STANDARD,
        lambda nbytes: memoryview(bytes(nbytes)),
        missing=STANDARD.missing,
    ),
    Way("multiprocessing.Queue, bytes", PROCESSES, bytes),
    Way("multiprocessing.Queue, pyarrow.Table", PROCESSES, _table, look=LOOK_TABLE, missing=NO_ARROW),
    Way("multiprocessing.Queue, mapped Arrow file", PROCESSES, _file, look=MAP_TABLE, missing=NO_FILE),
    Way("multiprocessing.shared_memory", PROCESSES, _segment, look=ATTACH),
    Way("bocpy, Matrix", BOCPY, _matrix, look=RETURN, missing=BOCPY.missing),
)


def peer_source(way: Way) -> str:
    """Returns what the peer runs."""
    loop = "while (item := GET) is not None:\n    if type(item) is not int:\n"
    loop += textwrap.indent(way.look, " " * 8) + "\n    PUT\n"
    function = f"def serve():\n{textwrap.indent(way.carrier.fill(loop), '    ')}"
    imports = {
        ATTACH: "from multiprocessing.shared_memory import SharedMemory\n",
        MAP_TABLE: "import pyarrow as pa\n",
    }
    affinity = "" if PEER is None else f"import os\nos.sched_setaffinity(0, {{{PEER}}})\n"
    return f"{imports.get(way.look, '')}{affinity}{function}\nserve()\n"


def measure(way: Way, nbytes: int, seconds: float) -> list[float]:
    """Returns how long each hand-over took, in microseconds: there, a look at its ends, and an int back."""
    pin(MAIN)
    large = way.make(nbytes)
    sent = way.named(large)
    trip = way.carrier.fill("def trip(item):\n    PUT\n    return GET\n")
    values: list[float] = []
    with way.carrier.open() as link:
        names: dict[str, Any] = dict(link.names)
        exec(trip, names)
        go = names["trip"]
        with link.start(peer_source(way)):
            go(0)  # until the peer has started
            answer = go(sent)
            comes_back = way.look is RETURN
            end = time.perf_counter() + seconds
            while len(values) < 3 or (len(values) < MOST and time.perf_counter() < end):
                sent = answer if comes_back else sent
                start = time.perf_counter_ns()
                answer = go(sent)
                values.append((time.perf_counter_ns() - start) / 1e3)
            exec(way.carrier.fill("item = None\nPUT"), names)
    if way.look is ATTACH:
        large.close()
        large.unlink()
    return values


def resident() -> int:
    """Returns how much memory the process uses, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def fan_out(nbytes: int, count: int) -> dict[str, float]:
    """Hands one buffer to so many interpreters, which all keep it and have read all of it."""
    buf = SharedBuffer(nbytes)
    buf[::4096] = bytes(len(range(0, nbytes, 4096)))
    workers = [interpreters.create() for _ in range(count)]
    channels = [interlane.create_channel() for _ in workers]
    back, here = interlane.create_channel()
    for worker, (_, recv) in zip(workers, channels, strict=True):
        worker.prepare_main(recv=recv, back=back)
        worker.exec("import interlane")
    before, start = resident(), time.perf_counter_ns()
    for send, _ in channels:
        send.send(buf)
    sent = time.perf_counter_ns()
    for worker in workers:
        worker.exec("buf = recv.recv(); back.send(sum(bytes(buf[::4096])))")
    received = time.perf_counter_ns()
    if [here.recv() for _ in workers] != [0] * count:
        raise AssertionError("something else arrived")
    grown = resident() - before
    for worker in workers:
        worker.close()
    return {
        "nbytes": nbytes,
        "interpreters": count,
        "sends_us": (sent - start) / 1e3,
        "receives_and_reads_ms": (received - sent) / 1e6,
        "grown_bytes": grown,
    }


def _over_smallest(name: str) -> Callable[[dict[str, Results]], float]:
    """Returns what finds how many times as long the largest size takes as the smallest."""

    def find(results: dict[str, Results]) -> float:
        row = list(results.get(name, {}).values())
        return row[-1].median / row[0].median if row and all(one.medians for one in row) else float("nan")

    return find


# What a size changes may be noise, but not in proportion.
TARGETS = (
    *(
        Target(f"{way.name}, the largest over the smallest", _over_smallest(way.name), "x", at_most=2)
        for way in WAYS
        if way.carrier is INTERLANE and "SharedBytes" not in way.name
    ),
    Target(
        "a SharedBytes, which each maps, the largest",
        lambda results: list(results.get("interlane, SharedBytes", {"": Result()}).values())[-1].median,
        "us",
        at_most=100,
    ),
    Target(
        "the largest in 8 interpreters: the process grows by", least_of("fan-out", "grown"), "MiB", at_most=8
    ),
)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument(
        "--short", action="store_true", help="the least and a large size only, and less of each"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "NBYTES", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--fan-out", type=int, metavar="NBYTES", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, nbytes, seconds = options.one
        values = measure(next(way for way in WAYS if way.name == name), int(nbytes), float(seconds))
        print(json.dumps({"median": statistics.median(values), "count": len(values)}))
        return
    if options.fan_out:
        print(json.dumps(fan_out(options.fan_out, 8)))
        return

    machine = describe()
    print(", ".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    sizes = QUICK if options.quick else SHORT if options.short else SIZES
    seconds = 0.01 if options.quick else 0.2 if options.short else 1.0
    print(f"{'microseconds':44}" + "".join(f"{nbytes:>16,}" for nbytes in sizes))
    figures: dict[str, dict[int, float]] = {}
    results: dict[str, Results] = {}
    for way in WAYS:
        if way.missing:
            print(f"{way.name:44} left out: {way.missing}")
            continue
        row = figures.setdefault(way.name, {})
        for nbytes in sizes:
            row[nbytes] = child.figures(__file__, "--one", way.name, str(nbytes), str(seconds))["median"]
        print(f"{way.name:44}" + "".join(f"{value:>16,.1f}" for value in row.values()), flush=True)
    for name, row in figures.items():
        results[name] = {str(nbytes): Result([value], [value], 1) for nbytes, value in row.items()}
    result: dict[str, Any] = {"machine": machine, "hand-over": figures}
    if Path("/proc/self/statm").exists():
        result["fan-out"] = spread = child.figures(__file__, "--fan-out", str(sizes[-1]))
        print(
            f"{spread['nbytes']:,} bytes to {spread['interpreters']} interpreters: sent in"
            f" {spread['sends_us']:.1f} us, received and read in {spread['receives_and_reads_ms']:.1f} ms;"
            f" the process has grown by {spread['grown_bytes'] / 2**20:.1f} MiB"
        )
        grown = spread["grown_bytes"] / 2**20
        results["fan-out"] = {"grown": Result([grown], [grown], 1)}
    print("\n" + "\n".join(target_table(results, TARGETS)))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
