"""What the fault tests share. Each runs in a child process, with these names in place."""

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

PRELUDE = """
import gc, os, random, sys, threading, time
import interlane
from interlane import interpreters

def settled(seconds=60.0):
    '''Waits until nothing is live or on its way any more, and returns the counters.'''
    end = time.monotonic() + seconds
    # Twice the same: no snapshot, and the figures of an owner that is being freed are missing for a moment.
    before = None
    while (now := interlane.stats()).live or now.pending or counted(now) != before:
        before = counted(now)
        if time.monotonic() > end:
            break
        time.sleep(0.002)
    return now

def counted(now):
    return now.created, now.released, now.orphaned, now.live, now.pending, now.nbytes

def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)

def nothing_is_lost(seconds=60.0):
    now = settled(seconds)
    assert now.live == now.pending == now.nbytes == 0, now
    assert now.created == now.released + now.orphaned, now
    return now

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def start(target, *args, daemon=False):
    thread = threading.Thread(target=target, args=args, daemon=daemon)
    thread.start()
    return thread

def quiet(call, *args):
    '''Calls, and swallows what a channel that has ended or a timeout raises.'''
    try:
        return call(*args)
    except (interlane.ChannelError, TimeoutError):
        return None
"""

# In every interpreter: random things, the same for the same seed, and a checksum of what they are.
MATERIAL = """
import array, interlane, random, zlib
THRESHOLD = interlane.get_share_threshold()
def thing(rng, depth=0):
    kind = rng.randrange(11 if depth < 3 else 8)
    size = rng.choice([0, 1, 100, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, rng.randrange(3 * THRESHOLD)])
    if kind < 3:
        return chr(rng.choice([97, 233, 945, 119070])) * (size // rng.choice([1, 2, 4])) + str(size)
    if kind < 4:
        return rng.randbytes(size)
    if kind < 5:
        return bytearray(rng.randbytes(size))
    if kind < 6:
        numbers = array.array("d", [rng.random() for _ in range(size // 80)])
        return memoryview(numbers)[:: rng.choice([1, -1, 2])]
    if kind < 7:
        return interlane.SharedStr("shared" * (size // 60))
    if kind < 8:
        return rng.choice([None, True, rng.random(), rng.getrandbits(200), -rng.getrandbits(60), ...])
    if kind < 9:
        return {rng.random(): thing(rng, depth + 1) for _ in range(rng.randrange(4))}
    return (list, tuple)[rng.randrange(2)](thing(rng, depth + 1) for _ in range(rng.randrange(5)))
def checksum(thing):
    if isinstance(thing, str):
        return zlib.crc32(b"s" + str.encode(thing))
    if isinstance(thing, bytes):
        return zlib.crc32(b"b" + thing)
    if isinstance(thing, (bytearray, memoryview)):  # arrives as a view
        view = memoryview(thing)
        return zlib.crc32(f"m{view.format}{view.shape}".encode() + view.tobytes())
    if isinstance(thing, dict):
        thing = [part for item in thing.items() for part in item]
        return zlib.crc32(b"d" + repr([checksum(part) for part in thing]).encode())
    if isinstance(thing, (list, tuple)):
        return zlib.crc32(repr((type(thing), [checksum(part) for part in thing])).encode())
    return zlib.crc32(repr(thing).encode())
"""


@pytest.fixture
def run_child(run_child: Callable[..., Any]) -> Callable[..., Any]:
    """The general fixture, with the names above in the child."""

    def run(code: str, *args: object, timeout: float = 110, **options: Any) -> Any:
        return run_child(
            PRELUDE + f"MATERIAL = {MATERIAL!r}\n" + textwrap.dedent(code),
            *map(str, args),
            timeout=timeout,
            **options,
        )

    return run
