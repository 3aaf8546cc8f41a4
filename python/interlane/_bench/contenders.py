"""Who takes part: ways to get an object from the main thread to a peer and back.

Each is a pair of queues and the source text of their operations, which goes into the loops of `scenarios.py`:
nobody pays for a wrapper. `inbox` and `outbox` are the two queues as their side sees them.
"""

import asyncio
import contextlib
import importlib.util
import multiprocessing
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import interlane
from interlane import interpreters

WATCHED = 16
"""Channels of which one is selected."""


@dataclass(frozen=True)
class Link:
    """An open pair: the names of the main side, and what runs a peer's source until the block ends."""

    names: dict[str, object]
    start: Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Contender:
    """One way, and how its operations are written."""

    name: str
    open: Callable[[], AbstractContextManager[Link]]
    put: str = "outbox.put(item)"
    get: str = "inbox.get()"
    # For many at once, where it has that.
    put_many: str = ""
    get_many: str = ""
    # Where the peer receives in another way. If it awaits, the peer is a coroutine in an event loop.
    peer_get: str = ""
    # Why it cannot take part, if so.
    missing: str = ""

    def fill(self, template: str, *, peer: bool = False) -> str:
        """Puts the operations into a loop's text: PUT is a statement, GET an expression."""
        get = (peer and self.peer_get) or self.get
        words = {"PUT_MANY": self.put_many, "GET_MANY": self.get_many, "PUT": self.put, "GET": get}
        for word, text in words.items():
            template = template.replace(word, text)
        return template


@contextlib.contextmanager
def _thread(run: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


@contextlib.contextmanager
def _interpreter(ends: dict[str, Any], source: str) -> Iterator[None]:
    peer = interpreters.create()
    if ends:
        peer.prepare_main(**ends)
    with _thread(lambda: peer.exec(source)):
        yield
    peer.close()


@contextlib.contextmanager
def _interlane() -> Iterator[Link]:
    outbox, there = interlane.create_channel()
    back, inbox = interlane.create_channel()
    ends = {"inbox": there, "outbox": back}
    with outbox, there, back, inbox:
        yield Link({"inbox": inbox, "outbox": outbox}, lambda source: _interpreter(ends, source))


@contextlib.contextmanager
def _selecting() -> Iterator[Link]:
    """As `_interlane`, and the peer watches 15 other channels as well, in which nothing comes."""
    with contextlib.ExitStack() as stack:
        pairs = [interlane.create_channel() for _ in range(WATCHED + 1)]
        for pair in pairs:
            for end in pair:
                stack.enter_context(end)
        (back, inbox), *watched = pairs
        ends: dict[str, Any] = {f"inbox_{number}": recv for number, (_, recv) in enumerate(watched)}
        ends["outbox"] = back
        names = ", ".join(f"inbox_{number}" for number in range(WATCHED))
        prelude = f"from interlane import select\ninboxes = {names}\n"
        # One in the middle.
        outbox = watched[WATCHED // 2][0]
        yield Link({"inbox": inbox, "outbox": outbox}, lambda source: _interpreter(ends, prelude + source))


@contextlib.contextmanager
def _standard() -> Iterator[Link]:
    # interlane's own module of that name, for older versions, has none.
    create = interpreters.create_queue  # type: ignore[attr-defined]  # 3.14 on
    there, back = create(), create()
    ends = {"inbox": there, "outbox": back}
    yield Link({"inbox": back, "outbox": there}, lambda source: _interpreter(ends, source))


@contextlib.contextmanager
def _bocpy() -> Iterator[Link]:
    import bocpy

    bocpy.set_tags(["there", "back"])
    prelude = "import bocpy\ninbox, outbox = 'there', 'back'\n"
    names = {"inbox": "back", "outbox": "there", "bocpy": bocpy}
    yield Link(names, lambda source: _interpreter({}, prelude + source))


@contextlib.contextmanager
def _threads() -> Iterator[Link]:
    there: queue.SimpleQueue[object] = queue.SimpleQueue()
    back: queue.SimpleQueue[object] = queue.SimpleQueue()
    start = lambda source: _thread(lambda: serve(source, there, back))  # noqa: E731
    yield Link({"inbox": back, "outbox": there}, start)


class _LoopQueue:
    """What asyncio has for a thread that has something for an event loop."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[object] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()

    def put(self, item: object) -> None:
        self._started.wait()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    async def get(self) -> object:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._started.set()
        return await self._items.get()


@contextlib.contextmanager
def _loop_of_a_thread() -> Iterator[Link]:
    there, back = _LoopQueue(), queue.SimpleQueue[object]()
    start = lambda source: _thread(lambda: serve(source, there, back))  # noqa: E731
    yield Link({"inbox": back, "outbox": there}, start)


class BareLoop:
    """An event loop that watches an eventfd, through which times come: what asyncio itself takes to wake up.

    What `get` returns is later by what has passed since the loop called back: whoever compares it with the
    clock sees when that was, without the turn that the loop makes before the task runs.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._come: asyncio.Future[tuple[int, int]] | None = None

    def send(self, number: int | None) -> None:
        os.eventfd_write(self._fd, number or 1)

    async def get(self) -> int | None:
        loop = asyncio.get_running_loop()
        if self._come is None:
            loop.add_reader(self._fd, self._answer)
        self._come = loop.create_future()
        noted, number = await self._come
        return number + time.perf_counter_ns() - noted if number > 1 else None

    def _answer(self) -> None:
        now = time.perf_counter_ns()
        if self._come is not None:
            self._come.set_result((now, os.eventfd_read(self._fd)))


@contextlib.contextmanager
def _bare_loop() -> Iterator[Link]:
    back, inbox = interlane.create_channel()
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    prelude = f"from {__name__} import BareLoop\ninbox = BareLoop({fd})\n"
    with back, inbox:
        names = {"inbox": inbox, "outbox": BareLoop(fd)}
        yield Link(names, lambda source: _interpreter({"outbox": back}, prelude + source))
    os.close(fd)


@contextlib.contextmanager
def _eventfds() -> Iterator[Link]:
    there, back = os.eventfd(0), os.eventfd(0)
    prelude = (
        f"from os import eventfd_read as read, eventfd_write as write\ninbox, outbox = {there}, {back}\n"
    )
    names = {"inbox": back, "outbox": there, "read": os.eventfd_read, "write": os.eventfd_write}
    yield Link(names, lambda source: _interpreter({}, prelude + source))
    os.close(there)
    os.close(back)


@contextlib.contextmanager
def _processes() -> Iterator[Link]:
    context = multiprocessing.get_context("spawn")
    there, back = context.Queue(), context.Queue()

    @contextlib.contextmanager
    def start(source: str) -> Iterator[None]:
        process = context.Process(target=serve, args=(source, there, back))
        process.start()
        yield
        process.join()

    yield Link({"inbox": back, "outbox": there}, start)


def serve(source: str, inbox: object, outbox: object) -> None:
    """Runs a peer's source on this thread, in this process."""
    exec(source, {"inbox": inbox, "outbox": outbox})


INTERLANE = Contender("interlane", _interlane, put="outbox.send(item)", get="inbox.recv()")
STANDARD = Contender(
    "concurrent.interpreters.Queue",
    _standard,
    missing="" if sys.version_info >= (3, 14) else "it came with Python 3.14",
)
PROCESSES = Contender("multiprocessing.Queue", _processes)
BOCPY = Contender(
    "bocpy",
    _bocpy,
    put="bocpy.send(outbox, item)",
    get="bocpy.receive(inbox)[1]",
    missing="" if importlib.util.find_spec("bocpy") else "it is not installed",
)
THREADS = Contender("queue.SimpleQueue, threads", _threads)

BATCHES = replace(
    INTERLANE,
    name="interlane, 1000 at once",
    put_many="outbox.send_many(items)",
    get_many="inbox.recv_many()",
)

# The same, with a timeout that does not pass.
INTERLANE_TIMED = replace(INTERLANE, name="interlane, timed", get="inbox.recv(10.0)")
STANDARD_TIMED = replace(STANDARD, name="concurrent.interpreters.Queue, timed", get="inbox.get(timeout=10.0)")
PROCESSES_TIMED = replace(PROCESSES, name="multiprocessing.Queue, timed", get="inbox.get(timeout=10.0)")
BOCPY_TIMED = replace(BOCPY, name="bocpy, timed", get="bocpy.receive(inbox, 10.0)[1]")
THREADS_TIMED = replace(THREADS, name="queue.SimpleQueue, threads, timed", get="inbox.get(timeout=10.0)")

# What wakes the peer when it waits for more than one channel, or for an event loop.
SELECTED = Contender(
    f"interlane, selected over {WATCHED}",
    _selecting,
    put="outbox.send(item)",
    get="inbox.recv()",
    peer_get="select(*inboxes).item",
)
SELECTED_TIMED = replace(
    SELECTED, name=f"{SELECTED.name}, timed", peer_get="select(*inboxes, timeout=10.0).item"
)
ASYNCIO = replace(INTERLANE, name="interlane, asyncio", peer_get="await inbox.arecv()")
ASYNCIO_THREADS = Contender(
    "asyncio.Queue, call_soon_threadsafe", _loop_of_a_thread, peer_get="await inbox.get()"
)
# The least that there can be: a number, by a system call.
_NO_EVENTFD = "" if hasattr(os, "eventfd") else "it needs an eventfd, which Linux has"
PYTHON_ALONE = Contender(
    "Python alone, os.eventfd",
    _eventfds,
    put="write(outbox, item or 1)",
    get="(None if (got := read(inbox)) == 1 else got)",
    missing=_NO_EVENTFD,
)
ASYNCIO_ALONE = Contender(
    "asyncio alone, add_reader",
    _bare_loop,
    put="outbox.send(item)",
    get="inbox.recv()",
    peer_get="await inbox.get()",
    missing=_NO_EVENTFD,
)

UNTIMED = (INTERLANE, STANDARD, PROCESSES, BOCPY, THREADS)
TIMED = (INTERLANE_TIMED, STANDARD_TIMED, PROCESSES_TIMED, BOCPY_TIMED, THREADS_TIMED)
