"""What is measured between the main thread and a peer: the loops of both sides, as source text.

A contender's operations are put into them (see `contenders.py`). `None` ends a peer. The clock, which is
CLOCK_MONOTONIC on Linux, is the same for the whole system.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from interlane._bench.contenders import (
    ASYNCIO,
    ASYNCIO_ALONE,
    ASYNCIO_THREADS,
    BATCHES,
    BOCPY,
    BOCPY_TIMED,
    INTERLANE,
    INTERLANE_TIMED,
    PYTHON_ALONE,
    SELECTED,
    SELECTED_TIMED,
    STANDARD,
    STANDARD_TIMED,
    THREADS,
    THREADS_TIMED,
    TIMED,
    UNTIMED,
    Contender,
)

RUST_QUEUES = ("Rust, crossbeam", "Rust, kanal", "Rust, flume", "Rust, interlane-core")
RUST_SLOT = "Rust, park and unpark"
RUST = (*RUST_QUEUES, RUST_SLOT)
# Two are enough where each takes seconds.
RUST_WAITING = (RUST_QUEUES[0], RUST_SLOT)
RUST_SELECTING = ("Rust, crossbeam, selected over 16",)

_ECHO = """\
while (item := GET) is not None:
    PUT
"""

_ROUND_TRIP = """\
for number in range(count):
    item = ITEM
    start = clock()
    PUT
    GET
    values.append((clock() - start) / 1e3)
"""

_LATENCY = """\
while (item := GET) is not None:
    item = clock() - item
    PUT
"""

_WAKE_UP = """\
for number in range(count):
    sleep(1)
    item = clock()
    PUT
    values.append(GET / 1e3)
"""

# What arrives says how many more will.
_COUNT = """\
while (item := GET) is not None:
    for _ in range(item):
        GET
    PUT
"""

_ONE_WAY = """\
item = count
PUT
start = clock()
for number in range(count):
    item = ITEM
    PUT
GET
values.append(count * 1e6 / (clock() - start))
"""

_COUNT_MANY = """\
while (item := GET) is not None:
    left = item
    while left > 0:
        left -= len(GET_MANY)
    PUT
"""

_ONE_WAY_MANY = """\
item = count
PUT
start = clock()
for first in range(0, count, 1000):
    size = min(1000, count - first)
    items = ITEMS
    PUT_MANY
GET
values.append(count * 1e6 / (clock() - start))
"""

_LENGTH = """\
while (item := GET) is not None:
    item = 0 if item == 0 else len(item)
    PUT
"""

# An int, the str, and another int: what a share leaves to do once it has arrived is done at the next send,
# so that counts too. The very first int is not timed: it comes after a pause.
_HAND_OVER = """\
for number in range(count):
    item = 0
    PUT
    GET
    start = clock()
    PUT
    GET
    middle = clock()
    item = large
    PUT
    GET
    end = clock()
    item = 0
    PUT
    GET
    values.append((clock() - end + end - middle - 2 * (middle - start)) / 1e3)
"""

_IDLE = """\
for number in range(count):
    sleep(0.1)
    start = process_time()
    sleep(seconds)
    values.append((process_time() - start) * 1e6 / seconds)
    item = number
    PUT
    GET
"""


@dataclass(frozen=True)
class Scenario:
    """One thing to measure."""

    name: str
    title: str
    # What one value of the main side's loop is.
    unit: str
    peer: str
    main: str
    contenders: Sequence[Contender]
    # How often in one run: usually, and for a quick look. Less where it would take longer than a second.
    count: int
    quick: int
    # The same in `interlane bench`, which has two minutes for all; 0 if it leaves this out.
    short: int = 0
    # Bytes of the `str` that goes there, if one does.
    large: int = 0
    item: str = "number"
    items: str = "range(first, first + size)"
    # The loops for many at once.
    peer_many: str = ""
    main_many: str = ""
    # A rate, which should be high; else a time, which should be low.
    is_rate: bool = False
    # Who takes part in the Rust program's scenario of this name, which is the same without Python.
    rust: Sequence[str] = ()

    def peer_source(self, contender: Contender, cpu: int | None) -> str:
        """Returns what the peer runs, given its ends."""
        pin = "" if cpu is None else f"import os\nos.sched_setaffinity(0, {{{cpu}}})\n"
        body = contender.fill(self.peer_many if contender.put_many else self.peer, peer=True)
        function = f"def serve():\n{textwrap.indent(body, '    ')}"
        call = "serve()"
        if "await" in contender.peer_get:
            function, call = f"import asyncio\nasync {function}", "asyncio.run(serve())"
        return f"{pin}from time import perf_counter_ns as clock\n{function}\n{call}\n"

    def main_source(self, contender: Contender) -> str:
        """Returns what defines `measure(count, values)`, given the main side's ends."""
        body = contender.fill(self.main_many if contender.put_many else self.main)
        body = body.replace("ITEMS", self.items).replace("ITEM", self.item)
        body = textwrap.indent(body, "    ")
        imports = "from time import perf_counter_ns as clock, process_time, sleep\n"
        stop = textwrap.indent(contender.fill("item = None\nPUT"), "    ")
        return f"{imports}def measure(count, values):\n{body}\ndef stop():\n{stop}\n"


SCENARIOS = (
    Scenario(
        name="int-round-trip",
        title="An int, there and back, both sides busy with nothing else",
        unit="us",
        peer=_ECHO,
        main=_ROUND_TRIP,
        contenders=(*UNTIMED, INTERLANE_TIMED, BOCPY_TIMED),
        count=50_000,
        quick=20,
        short=50_000,
        rust=RUST,
    ),
    Scenario(
        name="bytes-round-trip",
        title="64 bytes, there and back",
        unit="us",
        peer=_ECHO,
        main=_ROUND_TRIP,
        contenders=UNTIMED,
        count=50_000,
        quick=20,
        item="b'x' * 64",
    ),
    Scenario(
        name="wake-up",
        title="From send to receive, after a second of idling",
        unit="us",
        peer=_LATENCY,
        main=_WAKE_UP,
        contenders=(*UNTIMED, PYTHON_ALONE, SELECTED, ASYNCIO, ASYNCIO_ALONE, ASYNCIO_THREADS),
        count=5,
        quick=0,
        short=4,
        rust=(*RUST_WAITING, *RUST_SELECTING),
    ),
    Scenario(
        name="wake-up-timed",
        title="The same, with a timeout of ten seconds",
        unit="us",
        peer=_LATENCY,
        main=_WAKE_UP,
        contenders=(*TIMED, SELECTED_TIMED),
        count=5,
        quick=0,
        rust=(*RUST_WAITING, *RUST_SELECTING),
    ),
    Scenario(
        name="int-one-way",
        title="int one after the other, one way",
        unit="thousand/s",
        peer=_COUNT,
        main=_ONE_WAY,
        peer_many=_COUNT_MANY,
        main_many=_ONE_WAY_MANY,
        contenders=(*UNTIMED, BATCHES),
        count=500_000,
        quick=20,
        short=500_000,
        is_rate=True,
        rust=RUST_QUEUES,
    ),
    Scenario(
        name="dict-one-way",
        title="A dict of ten items after the other, one way",
        unit="thousand/s",
        peer=_COUNT,
        main=_ONE_WAY,
        peer_many=_COUNT_MANY,
        main_many=_ONE_WAY_MANY,
        contenders=(*UNTIMED, BATCHES),
        count=100_000,
        quick=20,
        short=100_000,
        item="ten",
        items="[ten] * size",
        is_rate=True,
    ),
    Scenario(
        name="gigabyte",
        title="A str of 1 GiB there and its length back, over what an int takes",
        unit="us",
        peer=_LENGTH,
        main=_HAND_OVER,
        contenders=UNTIMED,
        count=2_000,
        quick=20,
        large=2**30,
    ),
    Scenario(
        name="64-megabytes",
        title="A str of 64 MiB there and its length back, over what an int takes",
        unit="us",
        peer=_LENGTH,
        main=_HAND_OVER,
        contenders=UNTIMED,
        count=2_000,
        quick=0,
        short=200,
        large=2**26,
    ),
    Scenario(
        name="idle",
        title="Processor time of an idle receiver, for a second of idling",
        unit="us",
        peer=_ECHO,
        main=_IDLE,
        contenders=(
            INTERLANE,
            INTERLANE_TIMED,
            STANDARD,
            STANDARD_TIMED,
            BOCPY,
            BOCPY_TIMED,
            THREADS,
            THREADS_TIMED,
        ),
        count=1,
        quick=1,
        short=1,
    ),
)
