"""Frozen dicts beside plain ones: making, looking up, handing over.

Handing over is sending and receiving on one thread, so the work of both sides is compared:
beside the frozen dict, the plain one through a channel, through `pickle` (protocol 5, `dumps` and `loads`)
and through the standard library's queue. Keys are looked up in random order. All in processor time.
"""

import argparse
import gc
import pickle
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import interlane
from interlane import interpreters
from interlane._bench.machine import MAIN, describe, pin

SIZES = (10, 10_000, 1_000_000)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="less of each, and no dict of a million keys")
    options = parser.parse_args()
    print(", ".join(f"{name}: {value}" for name, value in describe().items()))
    pin(MAIN)
    for size in SIZES[:2] if options.quick or options.short else SIZES:
        measure(size, 0.01 if options.quick else 0.1 if options.short else 0.5)


def measure(size: int, seconds: float) -> None:
    """Prints the figures for a dict of that many keys."""
    plain = {f"key {number}": {"id": number, "value": number / 7} for number in range(size)}
    frozen = interlane.freeze(plain)
    keys = random.Random(size).sample(list(plain), min(size, 100_000))
    print(f"\n{size:,} keys, {frozen.nbytes:,} bytes frozen, {len(pickle.dumps(plain, 5)):,} pickled")

    def table(title: str, unit: float, name: str, ways: dict[str, Callable[[], object]]) -> None:
        print(f"  {title}")
        for way, call in ways.items():
            print(f"    {way:<40}{median(call, seconds) / unit:>14,.3f} {name}")

    table(
        "made",
        1e6,
        "ms",
        {"freeze": lambda: interlane.freeze(plain), "pickle.dumps": lambda: pickle.dumps(plain, 5)},
    )
    table("thawed", 1e6, "ms", {"thaw": frozen.thaw, "pickle.loads": loader(plain)})
    table(
        "one key looked up",
        len(keys),
        "ns",
        {
            "dict": lambda: looked_up(plain, keys),
            "FrozenDict": lambda: looked_up(frozen, keys),
            "FrozenDict, in": lambda: contained(frozen, keys),
            "dict, in": lambda: contained(plain, keys),
        },
    )
    table("handed over", 1e3, "us", carriers(plain, frozen))


def loader(plain: object) -> Callable[[], object]:
    """Returns what unpickles it."""
    data = pickle.dumps(plain, 5)
    return lambda: pickle.loads(data)


def looked_up(mapping: Any, keys: list[str]) -> None:
    """Gets all values."""
    for key in keys:
        mapping[key]


def contained(mapping: Any, keys: list[str]) -> None:
    """Asks for all keys."""
    for key in keys:
        key in mapping  # noqa: B015


def carriers(plain: object, frozen: object) -> dict[str, Callable[[], object]]:
    """Returns the ways to hand it over."""
    send, recv = interlane.create_channel()

    def through(item: object) -> object:
        send.send(item)
        return recv.recv()

    ways: dict[str, Callable[[], object]] = {
        "frozen, through a channel": lambda: through(frozen),
        "plain, through a channel": lambda: through(plain),
        "pickle": lambda: pickle.loads(pickle.dumps(plain, 5)),
    }
    if sys.version_info >= (3, 14):
        queue = interpreters.create_queue()

        def queued(item: object) -> object:
            queue.put(item)
            return queue.get()

        ways["plain, through the standard queue"] = lambda: queued(plain)
        ways["frozen, through the standard queue"] = lambda: queued(frozen)
    return ways


def median(call: Callable[[], object], seconds: float) -> float:
    """Returns the median of the nanoseconds that a call takes, without the collector."""
    gc.collect()
    gc.disable()
    times = []
    end = time.monotonic() + seconds
    while not times or (time.monotonic() < end and len(times) < 10_000):
        start = time.thread_time_ns()
        result = call()
        times.append(time.thread_time_ns() - start)
        del result
    gc.enable()
    return statistics.median(times)


if __name__ == "__main__":
    main()
