"""`map` and `amap`: many calls of one function, whose results come back in order."""

import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from interlane._executor.crew import _MAP_BITS, Crew

if TYPE_CHECKING:
    from interlane import _core
    from interlane._executor.executor import InterpreterPoolExecutor
    from interlane._executor.worker import Call

# Calls that are packed and posted together: workers begin while the next ones are packed.
_BATCH = 128


class Mapping:
    """One `map`: its calls, and those of their results that nobody has taken."""

    def __init__(self, crew: Crew, calls: "Iterator[Call]") -> None:
        self._crew = crew
        self._calls = calls
        self._number = crew.map_numbers()
        self._posted = 0
        self._outcomes: dict[int, tuple[bool, Any]] = {}
        self._next = 0
        # From which index on, and the claims.
        self._tickets: deque[tuple[int, int, _core._Ticket]] = deque()
        self._told: threading.Condition | None = None
        crew.maps[self._number] = self

    def post(self, most: int | None) -> None:
        """Posts so many calls, or all."""
        crew = self._crew
        while most is None or most > 0:
            size = _BATCH if most is None else min(most, _BATCH)
            # The first ones alone: nobody waits while the others are packed.
            batch = list(itertools.islice(self._calls, 8 if not self._posted and size > 8 else size))
            if not batch:
                return
            ticket = crew.post_many((self._number << _MAP_BITS) + self._posted, batch)
            self._tickets.append((self._posted, len(batch), ticket))
            self._posted += len(batch)
            if most is not None:
                most -= len(batch)
            if crew.started < crew.limit:
                crew.recruit()

    def has_more(self) -> bool:
        """Tells whether there are calls whose results nobody has taken."""
        return self._next < self._posted

    def take(self, end: float | None) -> Any:
        """Waits for the next result, returns or raises it."""
        index = self._next
        outcome = self._outcomes.pop(index, None)
        while outcome is None:
            left = None if end is None else end - time.monotonic()
            if not self._crew.wait_for(self, left):
                self._be_told(left)
            outcome = self._outcomes.pop(index, None)
            if outcome is None and end is not None and end <= time.monotonic():
                raise TimeoutError
        self._next = index + 1
        first, size, _ = self._tickets[0]
        if index + 1 == first + size:
            self._tickets.popleft()
        returned, value = outcome
        if returned:
            return value
        try:
            raise value
        finally:
            del value, outcome

    def close(self) -> None:
        """Cancels what nobody has begun, and forgets the rest."""
        self._crew.maps.pop(self._number, None)
        for _, size, ticket in self._tickets:
            for index in range(size):
                ticket.cancel(index)
        self._tickets.clear()

    def is_ready(self) -> bool:
        """Tells whether the next result is there."""
        return self._next in self._outcomes

    def arrived(self, index: int, returned: bool, value: Any) -> None:
        """Takes an outcome."""
        if index >= self._next:
            self._outcomes[index] = returned, value
        if self._told is not None:
            with self._told:
                self._told.notify_all()

    def dropped(self, number: int) -> None:
        """A call was taken back before anybody began it; -1: all that have no outcome."""
        if number >= 0:
            self.arrived(number & ((1 << _MAP_BITS) - 1), False, CancelledError())
            return
        for index in range(self._next, self._posted):
            if index not in self._outcomes:
                self.arrived(index, False, CancelledError())

    def _be_told(self, timeout: float | None) -> None:
        if self._told is None:
            self._told = threading.Condition()
        with self._told:
            self._crew.watch(self)
            try:
                self._told.wait_for(self.is_ready, timeout)
            finally:
                self._crew.unwatch(self)


def results(mapping: Mapping, end: float | None, ahead: int | None) -> Iterator[Any]:
    """Yields the results of a mapping whose calls have been posted; all of them, or so many ahead."""
    try:
        while mapping.has_more():
            if ahead is not None:
                mapping.post(1)
            # In no variable: it belongs to whoever gets it.
            yield mapping.take(end)
    finally:
        mapping.close()


def chunked(
    encoded: bytes, chunk_encoded: bytes, calls: Iterator[tuple[Any, ...]], size: int
) -> "Iterator[Call]":
    """Yields calls that each do several."""
    while chunk := list(itertools.islice(calls, size)):
        yield chunk_encoded, (encoded, chunk)


def flattened(chunks: Iterator[tuple[list[Any], BaseException | None]]) -> Iterator[Any]:
    """Yields the results in chunks, and raises what ended one."""
    try:
        for results, error in chunks:
            results.reverse()
            while results:
                yield results.pop()
            if error is not None:
                try:
                    raise error
                finally:
                    del error
    finally:
        chunks.close()  # type: ignore[attr-defined]  # a generator


async def amap(
    pool: "InterpreterPoolExecutor",
    function: Callable[..., Any],
    iterables: tuple[Any, ...],
    ahead: int,
) -> AsyncIterator[Any]:
    """Yields results in order, with so many calls posted ahead."""
    import asyncio

    futures: deque[asyncio.Future[Any]] = deque()
    calls = zip(*iterables, strict=False)
    try:
        futures.extend(
            asyncio.wrap_future(pool.submit(function, *args)) for args in itertools.islice(calls, ahead)
        )
        while futures:
            result = await futures[0]
            futures.popleft()
            for args in itertools.islice(calls, 1):
                futures.append(asyncio.wrap_future(pool.submit(function, *args)))
            yield result
            del result
    finally:
        for future in futures:
            future.cancel()
