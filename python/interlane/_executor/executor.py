"""The class."""

import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import Any

from interlane._core import ClosedError
from interlane._executor import mapping, worker
from interlane._executor.calls import encode, make_call
from interlane._executor.crew import Crew
from interlane._executor.future import TaskFuture

_counter = itertools.count().__next__

# How many results may wait before a submit looks after them: nobody else does while nobody asks.
_UNSEEN = 1024


class InterpreterPoolExecutor(Executor):
    """Runs calls in isolated interpreters, in parallel: a `concurrent.futures.Executor`.

        with interlane.InterpreterPoolExecutor() as pool:
            future = pool.submit(pow, 2, 1000)
            for total in pool.map(sum, rows):
                ...

    Functions go by name where a worker can import them, else by code; those with free variables need
    cloudpickle. Arguments and results are shared as in a channel, without copies where that is possible, else
    pickled. An exception comes back with its traceback as text.

    `max_workers`: interpreters at most, by default one for each processor that the process may use. They
    start when tasks come, at the same time. `initializer(*initargs)` is called in each of them first; if it
    raises, the pool is broken (`BrokenInterpreterPool`). After `max_tasks_per_child` tasks a worker is
    replaced.

    Raises ValueError and TypeError for arguments that make no sense, NotShareableError for an initializer
    that cannot be sent.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
    ) -> None:
        if worker.loading_script:
            raise RuntimeError(
                f"a pool is made while a worker imports {worker.loading_script[0]}: "
                "put what only the program itself should do behind 'if __name__ == \"__main__\"'"
            )
        if max_workers is None:
            max_workers = _processors()
        elif not isinstance(max_workers, int):
            raise TypeError("max_workers must be an integer")
        elif max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        first = None if initializer is None else make_call(initializer, tuple(initargs), {})
        name = thread_name_prefix or f"InterpreterPoolExecutor-{_counter()}"
        self._max_workers = max_workers
        self._crew = Crew(max_workers, name, first, max_tasks_per_child or 0)

    def __del__(self) -> None:
        # Not set when `__init__` has failed.
        crew = getattr(self, "_crew", None)
        if crew is not None:
            crew.close()

    def prestart(self, workers: int | None = None) -> None:
        """Starts workers, all by default, before there are tasks, and waits until they are ready."""
        crew = self._crew
        crew.recruit(self._max_workers if workers is None else workers)
        crew.wait_until_ready()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has a worker call `fn(*args, **kwargs)`, and returns a future.

        What cannot be sent is in the future, as its exception. Raises RuntimeError after `shutdown`,
        BrokenInterpreterPool when the initializer has failed.
        """
        crew = self._crew
        if crew.refusal is not None:
            raise crew.refusal()
        number = crew.numbers()
        future = TaskFuture(crew, number)
        crew.pending[number] = future
        try:
            call = make_call(fn, args, kwargs)
            future._ticket = crew.tasks.post(number, call)  # noqa: SLF001  # ours
        except ClosedError:
            crew.forget(number)
            raise crew.refused() from None
        except Exception as error:
            future.arrived(0, False, error)
            crew.forget(number)
            return future
        except BaseException:
            crew.forget(number)
            raise
        if crew.started < crew.limit and crew.tasks.outstanding > crew.started:
            crew.recruit()
        if not number & 63 and crew.tasks.finished > _UNSEEN:
            crew.glance()
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """Returns an iterator over `fn(*args)` for the tuples of `zip(*iterables)`, in order.

        All calls are queued at once, or `buffersize` ahead of what was iterated over. `chunksize` calls make
        one task. The iterator raises what a call has raised, and TimeoutError `timeout` seconds after this
        call; when it is closed, calls that nobody has begun are cancelled.
        """
        crew = self._crew
        if crew.refusal is not None:
            raise crew.refusal()
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None:
            if not isinstance(buffersize, int):
                raise TypeError("buffersize must be an integer or None")
            if buffersize < 1:
                raise ValueError("buffersize must be None or > 0")
        end = None if timeout is None else time.monotonic() + timeout
        calls, chunksize = _calls(fn, zip(*iterables, strict=False), chunksize)
        ahead = None if buffersize is None else max(1, buffersize // chunksize)
        run = mapping.Mapping(crew, calls)
        try:
            run.post(ahead)
        except BaseException:
            run.close()
            raise
        found = mapping.results(run, end, ahead)
        return mapping.flattened(found) if chunksize > 1 else found

    async def asubmit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Returns the result of `fn(*args, **kwargs)`. Cancelling it cancels a call that nobody has begun."""
        import asyncio

        return await asyncio.wrap_future(self.submit(fn, *args, **kwargs))

    def amap(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], buffersize: int | None = None
    ) -> AsyncIterator[Any]:
        """Yields what `map` does, to an `async for`. `buffersize` calls are ahead: four for each worker."""
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        return mapping.amap(self, fn, iterables, buffersize or 4 * self._max_workers)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more tasks. Those that are queued are done, or cancelled; `wait` until then."""
        crew = self._crew
        crew.close(cancel=cancel_futures)
        if wait:
            crew.join()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        # After Ctrl-C nobody wants to wait for what has not even begun.
        interrupted = exc_type is not None and issubclass(exc_type, KeyboardInterrupt)
        try:
            self.shutdown(wait=True, cancel_futures=interrupted)
        except KeyboardInterrupt:
            self.shutdown(wait=False, cancel_futures=True)
            raise
        return None


def _calls(
    fn: Callable[..., Any], arguments: Iterator[tuple[Any, ...]], size: int
) -> tuple[Iterator[Any], int]:
    """Returns what workers are to call, and how many calls that is each time."""
    # A partial or a method brings its first arguments along.
    encoded, first, *rest = make_call(fn, (), {})
    if first:
        arguments = ((*first, *args) for args in arguments)
    if rest:
        return ((encoded, args, rest[0]) for args in arguments), 1
    if size > 1:
        return mapping.chunked(encoded, encode(worker.call_chunk), arguments, size), size
    return zip(itertools.repeat(encoded), arguments), 1  # the first one has no end


def _processors() -> int:
    if sys.version_info >= (3, 13):
        count = os.process_cpu_count()
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count()
    return count or 1


InterpreterPoolExecutor.__module__ = "interlane"
