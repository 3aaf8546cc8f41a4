"""Isolated interpreters in the workers of a Dask cluster (extra `dask`).

    client.register_plugin(interlane.dask.InterlanePlugin())
    with dask.annotate(executor="interlane"):
        total = dask.delayed(crunch)(data)

Each worker then has a pool of interpreters beside its threads, and runs the annotated tasks there: Python
code in parallel, within one process. Only tasks and their data go to the interpreters; `distributed`
itself, which cannot be imported there, stays where it is.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dask._task_spec import GraphNode
from dask.sizeof import sizeof
from distributed import WorkerPlugin

from interlane import InterpreterPoolExecutor, SharedBuffer
from interlane._dask import graph, parcels
from interlane._dask.perform import perform

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Worker

__all__ = ["InterlaneExecutor", "InterlanePlugin"]


class InterlaneExecutor(InterpreterPoolExecutor):
    """An `interlane.InterpreterPoolExecutor` that a Dask worker can have as one of its `executors`.

    Takes the same arguments. What a worker submits is Dask's own function for running a task; that runs
    here, in a thread, and has an interpreter make the calls that the task consists of. Functions go by name
    where they can be imported, else by cloudpickle; data goes by interlane's sharing protocol, without
    copies of arrays and large text, and by cloudpickle where that does not know it. Everything else that is
    submitted runs as in its base class.
    """

    def __init__(self, max_workers: int | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(max_workers, *args, **kwargs)
        # One for each interpreter: it waits for what that is doing.
        self._waiting = ThreadPoolExecutor(self._max_workers, "interlane-dask")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has a worker call `fn(*args, **kwargs)`, or make the calls of the task that Dask passes to `fn`."""
        if args and isinstance(args[0], GraphNode):
            return self._waiting.submit(fn, _Elsewhere(args[0], super().submit), *args[1:], **kwargs)
        return super().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more tasks. Those that are queued are done, or cancelled; `wait` until then."""
        self._waiting.shutdown(wait=wait, cancel_futures=cancel_futures)
        super().shutdown(wait=wait, cancel_futures=cancel_futures)


class _Elsewhere:
    """Stands for a task where it is called: performs it in an interpreter."""

    def __init__(self, task: GraphNode, submit: Callable[..., Future[Any]]) -> None:
        self._task = task
        self._submit = submit

    def __call__(self, data: dict[Any, Any]) -> Any:
        steps = graph.Steps()
        outcome = steps.resolve(self._task, data)
        if not isinstance(outcome, graph.Outcome):
            return outcome
        try:
            return parcels.unpack(self._submit(perform, steps.list, outcome.step).result())
        except (SystemExit, KeyboardInterrupt) as error:
            # Dask would end the worker.
            raise RuntimeError(f"the task raised {error!r} in its interpreter") from error


class InterlanePlugin(WorkerPlugin):
    """Gives each worker of a cluster an `InterlaneExecutor`, for tasks annotated with its name.

        client.register_plugin(InterlanePlugin())
        with dask.annotate(executor="interlane"):
            ...

    `executor` is the name, `max_workers` the number of interpreters, by default as many as the worker has
    threads; further arguments are those of `interlane.InterpreterPoolExecutor`. Workers that come later get
    one as well. It is shut down when its worker closes, and when the plugin is removed: both wait for tasks
    that have begun.
    """

    def __init__(
        self, executor: str = "interlane", *, max_workers: int | None = None, **options: Any
    ) -> None:
        self.name = self.executor = executor
        self.max_workers = max_workers
        self.options = options

    def setup(self, worker: Worker) -> None:
        """Makes the worker's executor. Raises ValueError when it has one of that name."""
        if self.executor in worker.executors:
            raise ValueError(f"the worker already has an executor {self.executor!r}")
        if sys.version_info < (3, 14):
            _stop_sampling(worker)
        workers = self.max_workers or worker.state.nthreads
        worker.executors[self.executor] = InterlaneExecutor(workers, **self.options)

    async def teardown(self, worker: Worker) -> None:
        """Shuts the worker's executor down. Tasks that nobody has begun are cancelled."""
        pool = worker.executors.pop(self.executor, None)
        if isinstance(pool, InterlaneExecutor):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _stop_sampling(worker: Worker) -> None:
    """Stops Dask's profiler, which looks at the stacks of all threads many times a second.

    Before 3.14, `sys._current_frames` reaches into the interpreters that threads run at the moment, and
    corrupts the memory of those: sooner or later the process crashes.
    """
    for name in ("profile", "profile-cycle"):
        callback = worker.periodic_callbacks.pop(name, None)
        if callback is not None:
            callback.stop()
    # The event loop is watched from a thread, which ends when it finds nothing.
    sys._current_frames = dict  # noqa: SLF001


sizeof.register(SharedBuffer, lambda buffer: buffer.nbytes)  # type: ignore[no-untyped-call]  # untyped there
