"""Five payloads there and back: interlane's channels beside `pickle` and the standard library's queue.

Each is sent and received on one thread, so what is compared is the work of taking apart and putting together.
`pickle` is `dumps` with protocol 5, then `loads`: the least that any queue of bytes has to do. All take
turns, measured in processor time. The last columns say how many times as fast as the others interlane was.
"""

import argparse
import gc
import json
import pickle
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import interlane
from interlane import interpreters
from interlane._bench.machine import MAIN, describe, pin

RANDOM = random.Random(20261124)


@dataclass
class Address:
    """A part of an order."""

    street: str
    city: str
    code: int


@dataclass
class Order:
    """A plain record, as programs have them."""

    number: int
    customer: str
    total: float
    paid: bool
    address: Address
    tags: list[str] = field(default_factory=list)


def _word() -> str:
    return "".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=RANDOM.randint(3, 12)))


def document(nbytes: int) -> Any:
    """Returns a JSON document of about that many bytes, parsed."""
    people = []
    size = 0
    while size < nbytes:
        person = {
            "id": len(people),
            "name": f"{_word().title()} {_word().title()}",
            "active": RANDOM.random() < 0.5,
            "balance": round(RANDOM.uniform(-1000, 1000), 2),
            "email": f"{_word()}@example.org" if RANDOM.random() < 0.9 else None,
            "tags": [_word() for _ in range(5)],
            "address": {
                "street": _word(),
                "number": RANDOM.randint(1, 200),
                "position": [RANDOM.random()] * 2,
            },
            "friends": [{"id": RANDOM.randint(0, 5000), "name": _word()} for _ in range(3)],
        }
        size += len(json.dumps(person))
        people.append(person)
    return json.loads(json.dumps({"people": people, "next": None}))


def settings(depth: int) -> Any:
    """Returns a configuration: dicts in dicts, lists of names, switches and numbers."""
    if depth == 0:
        return {"name": _word(), "enabled": True, "limit": RANDOM.randint(0, 10**6), "ratio": RANDOM.random()}
    return {
        "hosts": [f"{_word()}.example.org" for _ in range(4)],
        "timeouts": {"connect": 1.5, "read": 30.0, "retries": 3},
        "flags": {_word() for _ in range(3)},
        "range": (1, 65535),
        **{f"section_{_word()}": settings(depth - 1) for _ in range(4)},
    }


def payloads(quick: bool) -> dict[str, Any]:
    """Returns them by name."""
    small = 100 if quick else 1
    return {
        "a JSON document of 1 MB": document(1_000_000 // small),
        "10 000 small dicts": [
            {"id": number, "name": _word(), "value": number / 7, "ok": number % 2 == 0}
            for number in range(10_000 // small)
        ],
        "a nested config": settings(1 if quick else 3),
        "100 000 ints": [RANDOM.randint(-(10**9), 10**9) for _ in range(100_000 // small)],
        "a list of 5000 dataclasses": [
            Order(
                number, _word(), number * 1.25, number % 3 == 0, Address(_word(), _word(), number), [_word()]
            )
            for number in range(5_000 // small)
        ],
        "a dict of ten items": {f"key {number}": number for number in range(10)},
    }


def ways() -> dict[str, Callable[[Any], Any]]:
    """Returns what brings an object there and back, by name."""
    send, recv = interlane.create_channel()

    def ours(item: Any) -> Any:
        send.send(item)
        return recv.recv()

    def pickled(item: Any) -> Any:
        return pickle.loads(pickle.dumps(item, 5))

    found: dict[str, Callable[[Any], Any]] = {"interlane": ours, "pickle": pickled}
    if sys.version_info >= (3, 14):
        queue = interpreters.create_queue()

        def standard(item: Any) -> Any:
            queue.put_nowait(item)
            return queue.get_nowait()

        found["queue"] = standard
    return found


def measure(item: Any, rounds: int, seconds: float) -> dict[str, float]:
    """Returns the median of the milliseconds that each way takes."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in ways().items():
            if way(item) != item:
                raise AssertionError(f"{name} brought something else")
            gc.collect()
            count, start = 0, time.process_time()
            while (spent := time.process_time() - start) < seconds / rounds:
                way(item)
                count += 1
            times.setdefault(name, []).append(spent / count * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="less of each")
    parser.add_argument("--only", default="", metavar="TEXT", help="only payloads whose name has TEXT in it")
    options = parser.parse_args()
    pin(MAIN)
    print(", ".join(f"{name}: {value}" for name, value in describe().items()), flush=True)
    heads = ("interlane", "pickle", "queue", "over pickle", "over queue")
    print(f"{'milliseconds':28}" + "".join(f"{head:>14}" for head in heads))
    for name, item in payloads(options.quick).items():
        if options.only not in name:
            continue
        found = measure(item, *((1, 0.01) if options.quick else (3, 0.3) if options.short else (7, 1.4)))
        others = [found.get(other, float("nan")) for other in ("pickle", "queue")]
        times = "".join(f"{value:14.4f}" for value in (found["interlane"], *others))
        ratios = "".join(f"{other / found['interlane']:12.2f} x" for other in others)
        print(f"{name:28}{times}{ratios}", flush=True)


if __name__ == "__main__":
    main()
