"""From which size on is it cheaper to share than to copy? The default of the share threshold.

Sends `str` and `bytes` to another interpreter, which receives an item, reads it through once, drops it and
answers: with a threshold that shares it and one that copies it, in turns. Prints microseconds, both ways.
"""

import argparse
import statistics
import time

import interlane
from interlane._bench.contenders import INTERLANE
from interlane._bench.machine import MAIN, PEER, describe, pin

SIZES = [2**power for power in range(10, 25)]
SHARE, COPY = 1024, 2**40
ITEMS = {"str": "x", "bytes": b"x"}

SERVE = f"""
import os
if {PEER is not None}:
    os.sched_setaffinity(0, {{{PEER}}})
def serve():
    while (item := inbox.recv()) is not None:
        answer = item.count(b"y" if isinstance(item, bytes) else "y")
        del item
        outbox.send(answer)
serve()
"""


def main() -> None:
    """Prints the table and the crossings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--short", action="store_true", help="less of each")
    options = parser.parse_args()
    turns = 1 if options.quick else 3 if options.short else 15

    print(", ".join(f"{name}: {value}" for name, value in describe().items()))
    print(f"share threshold: {interlane.get_share_threshold()} bytes\n")
    pin(MAIN)
    cheaper: dict[str, list[bool]] = {name: [] for name in ITEMS}
    heads = [f"{name} {how}" for name in ITEMS for how in ("copied", "shared")]
    print(f"{'bytes':>12}{''.join(f'{head:>16}' for head in heads)}")
    with INTERLANE.open() as link, link.start(SERVE):
        inbox, outbox = link.names["inbox"], link.names["outbox"]
        for size in SIZES:
            print(f"{size:>12}", end="")
            for name, unit in ITEMS.items():
                copied, shared = in_turns(outbox, inbox, unit * size, turns)
                cheaper[name].append(shared <= copied)
                print(f"{copied:>16.2f}{shared:>16.2f}", end="")
            print(flush=True)
        outbox.send(None)
    print()
    for name, found in cheaper.items():
        # Behind the last size at which copying was.
        first = len(found) - found[::-1].index(False) if False in found else 0
        crossing = f"{SIZES[first]} bytes on" if first < len(SIZES) else "no size that was tried on"
        print(f"sharing {name} is cheaper from {crossing}")


def in_turns(
    outbox: "interlane.SendChannel[object]",
    inbox: "interlane.RecvChannel[object]",
    item: str | bytes,
    turns: int,
) -> tuple[float, float]:
    """Returns the median times for an item that is copied and one that is shared."""
    times: dict[int, list[float]] = {COPY: [], SHARE: []}
    count = max(3, min(500, 2**23 // len(item)))
    for _ in range(turns):
        for threshold, found in times.items():
            interlane.set_share_threshold(threshold)
            for _ in range(count):
                start = time.perf_counter_ns()
                outbox.send(item)
                inbox.recv()
                found.append((time.perf_counter_ns() - start) / 1e3)
    return statistics.median(times[COPY]), statistics.median(times[SHARE])


if __name__ == "__main__":
    main()
