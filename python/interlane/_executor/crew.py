"""What the parts of a pool have in common: its queues, its workers' threads, and who collects results.

Each worker has a thread of our interpreter, which creates the worker's interpreter, is in it as long as it
does tasks, and closes it. Results wait in a queue until somebody wants one: see `future`. Whoever collects
holds `_leading`; who finds it taken is told by whoever has it, or by the collecting thread, which comes next.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from concurrent.futures._base import LOGGER
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

import interlane
from interlane import _core, interpreters
from interlane._executor.calls import main_location
from interlane._executor.errors import BrokenInterpreterPool, WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from interlane._executor.worker import Call, Setup

_SCRIPT = """\
__import__("sys").path[:] = {path!r}
__import__("interlane._executor.worker", fromlist=["serve"]).serve({pool}, {setup}, {words}, {starts})
"""

# Tasks have numbers from here on; those of a `map` are below, the map's own number in the upper half.
_SINGLE = 1 << 62
_MAP_BITS = 32
_MAP_MASK = (1 << _MAP_BITS) - 1


class Target(Protocol):
    """What an outcome is for."""

    def is_ready(self) -> bool: ...
    def arrived(self, number: int, returned: bool, value: Any, /) -> None: ...
    def dropped(self, number: int, /) -> None: ...


class Crew:
    """One pool without its face: threads refer to this, so that a pool nobody refers to can go."""

    def __init__(self, limit: int, name: str, initializer: Call | None, tasks_per_worker: int) -> None:
        main = main_location()
        self.tasks = _core._tasks(definitions=main == (None, None))  # noqa: SLF001  # ours
        self.lock = threading.RLock()
        self.limit = limit
        # Workers that are there or about to be; changed under the lock.
        self.started = 0
        # What to raise for a task that comes too late, once there is a reason.
        self.refusal: Callable[[], BaseException] | None = None
        self.threads: set[threading.Thread] = set()
        self.pending: dict[int, Target] = {}
        self.maps: dict[int, Target] = {}
        self.numbers = itertools.count(_SINGLE).__next__
        self.map_numbers = itertools.count(1).__next__
        # What comes back may be of classes that a worker knows by this name.
        sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
        self._setup: Setup = (main, initializer, tasks_per_worker)
        self._name = name
        self._thread_numbers = itertools.count().__next__
        # Collected, and not yet seen to.
        self._inbox: list[tuple[int, bool | None, Any]] = []
        self._leading = threading.RLock()
        # Those who want to be told, and what wakes the thread that tells them.
        self._watched: set[Target] = set()
        self._wake = threading.Condition(self.lock)
        self._collector: threading.Thread | None = None
        self._over = False
        # An item for each worker that has started, or cannot: how many there will be, and were received.
        self._starts_send, self._starts = interlane.create_channel[None]()
        self._launched = self._heard = 0
        _open.add(self)

    def refused(self) -> BaseException:
        """Returns what to raise for a task that comes too late."""
        return (self.refusal or _after_shutdown)()

    def post_many(self, first: int, calls: list[Call]) -> _core._Ticket:
        """Queues calls with numbers in a row."""
        try:
            return self.tasks.post_many(first, calls)
        except interlane.ClosedError:
            raise self.refused() from None

    # Workers

    def recruit(self, wanted: int | None = None) -> None:
        """Starts workers for the tasks that have none, or until there are as many as are wanted."""
        with self.lock:
            if self.refusal is not None:
                return
            more = (self.tasks.outstanding if wanted is None else wanted) - self.started
            more = min(more, self.limit - self.started)
            for _ in range(more):
                name = f"{self._name}_{self._thread_numbers()}"
                thread = threading.Thread(target=self._employ, name=name)
                self.threads.add(thread)
                self.started += 1
                self._launched += 1
                try:
                    thread.start()
                except BaseException:
                    self.threads.discard(thread)
                    self.started -= 1
                    self._launched -= 1
                    raise

    def wait_until_ready(self) -> None:
        """Waits until the workers that were sent for have started, or cannot."""
        while self._heard < self._launched:
            self._starts.recv()
            self._heard += 1

    def _employ(self) -> None:
        """A worker's thread: one interpreter after the other, while there is something to do."""
        try:
            while self._serve() and self._goes_on():
                pass
        except BaseException as error:
            self._starts_send.send(None)
            self.break_down(f"a worker could not be started: {error!r}", error)
        finally:
            with self.lock:
                self.threads.discard(threading.current_thread())
                last = not self.threads
                if last and self.tasks.closed:
                    self._end()

    def _goes_on(self) -> bool:
        with self.lock:
            if self.tasks.outstanding > 0:
                self._launched += 1
                return True
            self.started -= 1
            return False

    def _serve(self) -> bool:
        """Runs one worker to its end; returns whether another one may have to take its place."""
        setup_send, setup_recv = interlane.create_channel(fallback="pickle")
        words_send, words = interlane.create_channel(fallback="pickle")
        interpreter = interpreters.create()
        failure: BaseException | None = None
        try:
            with setup_send, setup_recv, words_send:
                setup_send.send(self._setup)
                ids = {"setup": setup_recv.id, "words": words_send.id, "starts": self._starts.id}
                script = _SCRIPT.format(path=sys.path, pool=self.tasks.id, **ids)
                interpreter.exec(script)
        except BaseException as error:
            failure = error
        finally:
            # What it has taken and not done is lost with it.
            interpreter.close()
        heard = dict(_all_of(words))
        words.close()
        if "broken" in heard:
            self._starts_send.send(None)
            LOGGER.critical("Exception in initializer:", exc_info=heard["broken"])
            self.break_down("the initializer of a worker failed", heard["broken"])
            return False
        if "ready" not in heard:
            raise failure or interpreters.InterpreterError("the interpreter ended before it was ready")
        if "done" in heard:
            return False
        if "spent" not in heard:
            # (Not every failure is reported: a MemoryError is not.)
            LOGGER.error("a worker of %s was lost", self._name, exc_info=failure)
        return True

    def break_down(self, reason: str, error: BaseException | None) -> None:
        """Fails every task that is left, and every one that comes."""

        def refusal() -> BaseException:
            broken = BrokenInterpreterPool(f"{reason}; the pool is not usable anymore")
            broken.__cause__ = error
            return broken

        self.refusal = refusal
        self.tasks.close()
        for number in self.tasks.drain():
            self._settle(number, False, refusal())
        self.tasks.ring()

    # The end

    def close(self, cancel: bool = False) -> None:
        """Takes no more tasks; does, or cancels, what is queued."""
        if self.refusal is None:
            self.refusal = _after_shutdown
        if cancel:
            for number in self.tasks.drain():
                target = self._target(number)
                if target is not None:
                    target.dropped(number)
        self.tasks.close()
        self.tasks.ring()
        with self.lock:
            if not self.threads:
                self._end()

    def join(self) -> None:
        """Waits until the workers have ended."""
        for thread in list(self.threads):
            thread.join()
        self.glance()

    def _end(self) -> None:
        self._over = True
        self._wake.notify_all()
        self.tasks.ring()

    def join_collector(self) -> None:
        """Waits until everybody who wanted to be told has been."""
        collector = self._collector
        if collector is not None and collector is not threading.current_thread():
            collector.join()

    # Results

    def _target(self, number: int) -> Target | None:
        return self.pending.get(number) if number >= _SINGLE else self.maps.get(number >> _MAP_BITS)

    def forget(self, number: int) -> None:
        """The task needs no outcome any more."""
        self.pending.pop(number, None)

    def _settle(self, number: int, returned: bool | None, value: Any) -> None:
        target = self._target(number)
        if target is None:
            return
        if returned is None:
            returned, value = False, WorkerLostError("the worker ended before it had done the task")
        target.arrived(number & _MAP_MASK, returned, value)
        if number >= _SINGLE:
            self.pending.pop(number, None)

    def _gather(self, timeout: float | None) -> int:
        """Collects what is there, waiting for something. Nothing is lost wherever Ctrl-C interrupts it."""
        inbox = self._inbox
        count = 0 if inbox else self.tasks.collect(inbox, timeout)
        while inbox:
            row = inbox[0]
            self._settle(*row)
            # A callback may have collected in turn.
            if inbox and inbox[0] is row:
                del inbox[0]
        return count

    def glance(self) -> None:
        """Collects what is there, unless somebody is at it."""
        if (self.tasks.finished or self._inbox) and self._leading.acquire(blocking=False):
            try:
                while self.tasks.finished or self._inbox:
                    self._gather(0)
            finally:
                self._leading.release()

    def wait_for(self, target: Target, timeout: float | None) -> bool:
        """Collects until the target is ready or the time is over. False: somebody else does, so be told."""
        if not self._leading.acquire(blocking=False):
            return False
        try:
            if timeout is None:
                while not target.is_ready():
                    self._gather(None)
                    if self._over:
                        self._give_up()
            else:
                end = time.monotonic() + timeout
                while not target.is_ready():
                    left = end - time.monotonic()
                    self._gather(max(0.0, left))
                    if self._over:
                        self._give_up()
                    if left <= 0:
                        break
        finally:
            self._leading.release()
        return True

    def _give_up(self) -> None:
        """No worker is left and none will come: what has no outcome by now gets none."""
        while self.tasks.finished or self._inbox:
            self._gather(0)
        refusal = self.refusal or _after_shutdown
        for number, target in list(self.pending.items()):
            target.arrived(0, False, refusal())
            self.pending.pop(number, None)
        for target in list(self.maps.values()):
            target.dropped(-1)

    # Those who want to be told

    def watch(self, target: Target) -> None:
        """Has the collecting thread collect until the target is told."""
        with self.lock:
            self._watched.add(target)
            if self._collector is None:
                self._collector = threading.Thread(target=self._collect, name=f"{self._name}_collector")
                self._collector.start()
            self._wake.notify()

    def unwatch(self, target: Target) -> None:
        """It was told, or needs not be."""
        self._watched.discard(target)

    def _collect(self) -> None:
        while True:
            with self.lock:
                while not self._watched:
                    if self._over:
                        self._collector = None
                        return
                    self._wake.wait()
            with self._leading:
                while self._watched:
                    if self._over:
                        self._give_up()
                        self._watched.clear()
                        break
                    self._gather(None)


def _all_of(words: interlane.RecvChannel[Any]) -> list[tuple[str, BaseException | None]]:
    heard = []
    try:
        while (word := words.recv_nowait(None)) is not None:
            heard.append(word)
    except interlane.EndOfChannel:
        pass
    return heard


def _after_shutdown() -> BaseException:
    at_exit = " interpreter" if _ending else ""
    return RuntimeError(f"cannot schedule new futures after{at_exit} shutdown")


_open: WeakSet[Crew] = WeakSet()
_ending: list[bool] = []


def _at_exit() -> None:
    _ending.append(True)
    crews = list(_open)
    for crew in crews:
        crew.close()
    for crew in crews:
        crew.join()
        crew.join_collector()


# Before threads are joined, as concurrent.futures does with its own.
threading._register_atexit(_at_exit)  # type: ignore[attr-defined] # noqa: SLF001
if hasattr(os, "register_at_fork"):
    # A child has none of the threads: its pools can do nothing, and nobody must wait for them.
    os.register_at_fork(after_in_child=_open.clear)
