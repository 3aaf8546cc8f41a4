"""A read-only index of 1 GB that all interpreters look things up in.

    python shared_index.py [MEGABYTES [FILE]]

The index is a file of sorted 64-bit keys; what is sought is the place of a key. The file is mapped once,
and is in every interpreter the same `bytes` over the same memory. So its size does not matter: neither for
the time that it takes to get there, nor for the memory of the process.
"""

import random
import sys
import tempfile
import time
from array import array
from bisect import bisect_left
from pathlib import Path

import interlane

STEP = 7  # key n is 7 n
BATCH = 1 << 20


def write(path, megabytes):
    """Writes an index of that size."""
    keys = (megabytes << 20) // 8
    with path.open("wb") as file:
        for start in range(0, keys, BATCH):
            stop = min(start + BATCH, keys)
            array("Q", range(start * STEP, stop * STEP, STEP)).tofile(file)


def look_up(index, wanted):
    """Returns the place of each key, -1 for one that is not there, and the time this took."""
    start = time.perf_counter()
    keys = memoryview(index).cast("Q")
    places = []
    for key in wanted:
        place = bisect_left(keys, key)
        places.append(place if place < len(keys) and keys[place] == key else -1)
    return places, time.perf_counter() - start


def main(megabytes, path):
    """Looks up random keys in as many interpreters as there are processors."""
    if not path.exists():
        write(path, megabytes)
    index = interlane.SharedBytes.map_file(path)
    pick = random.Random(3)
    batches = [[pick.randrange(len(index) // 8 * STEP) for _ in range(20_000)] for _ in range(16)]
    with interlane.InterpreterPoolExecutor() as pool:
        pool.prestart()
        start = time.perf_counter()
        assert pool.submit(len, index).result() == len(index)
        print(
            f"{len(index) / 1e6:.0f} MB there and looked at in {(time.perf_counter() - start) * 1e3:.2f} ms"
        )
        start = time.perf_counter()
        results = list(pool.map(look_up, [index] * len(batches), batches))
        elapsed = time.perf_counter() - start
    for wanted, (places, _) in zip(batches, results, strict=True):
        assert places == [-1 if key % STEP else key // STEP for key in wanted]
    found = sum(place >= 0 for places, _ in results for place in places)
    count = sum(map(len, batches))
    busy = sum(seconds for _, seconds in results)
    print(f"{count} keys, {found} of them found, {count / elapsed:,.0f} per second")
    print(f"{busy / elapsed:.1f} interpreters at once")


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    if len(sys.argv) > 2:
        main(size, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(size, Path(folder, "index"))
