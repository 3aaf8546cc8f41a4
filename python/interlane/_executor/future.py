"""The future of a task: a `concurrent.futures.Future` that fetches its own result.

Most futures are asked for their result by a thread that then waits. That thread collects what workers hand
back, for itself and for others, so that no other thread has to be woken in between. Only when somebody wants
to be *told* (callbacks, `wait`, `as_completed`, asyncio), which the standard class does under `_condition`, a
collecting thread is set to work.
"""

import threading
from concurrent.futures import Future
from concurrent.futures._base import CANCELLED, CANCELLED_AND_NOTIFIED, FINISHED, PENDING, RUNNING
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlane import _core
    from interlane._executor.crew import Crew

_CANCELLED = (CANCELLED, CANCELLED_AND_NOTIFIED)


class TaskFuture(Future[Any]):
    """The standard class, with its state fetched when somebody looks."""

    # The base class's `__init__` would make the condition that most futures never need.
    def __init__(self, crew: "Crew", number: int) -> None:
        self._crew = crew
        self._number = number
        self._ticket: _core._Ticket | None = None
        self._told: threading.Condition | None = None
        self._final: str | None = None
        self._result: Any = None
        self._exception: BaseException | None = None
        self._waiters: list[Any] = []
        self._done_callbacks: list[Any] = []

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]  # an attribute there
        if self._told is None:
            if self._final is None:
                self._crew.glance()
            with self._crew.lock:
                if self._told is None:
                    if self._final is None:
                        self._crew.watch(self)
                    self._told = threading.Condition()
        return self._told

    @property
    def _state(self) -> str:
        if self._final is not None:
            return self._final
        ticket = self._ticket
        return RUNNING if ticket is not None and ticket.taken() else PENDING

    @_state.setter
    def _state(self, state: str) -> None:
        self._final = state

    def is_ready(self) -> bool:
        """Tells whether there is something to return or raise."""
        return self._final is not None

    def arrived(self, _: int, returned: bool, value: Any) -> None:
        """Takes the outcome. May be called twice: the first call counts."""
        with self._crew.lock:
            if self._final is not None:
                return
            if self._told is None:
                if returned:
                    self._result = value
                else:
                    self._exception = value
                self._final = FINISHED
                return
        # Somebody is waiting, or has left callbacks.
        self._crew.unwatch(self)
        if returned:
            self.set_result(value)
        else:
            self.set_exception(value)

    def dropped(self, _: int) -> None:
        """The task was taken back before anybody began it."""
        self._crew.forget(self._number)
        self._crew.unwatch(self)
        self._ticket = None
        super().cancel()
        self.set_running_or_notify_cancel()

    def cancel(self) -> bool:
        """Cancels the task unless a worker has taken it; tells whether it is cancelled."""
        ticket = self._ticket
        if self._final is None and ticket is not None and ticket.cancel():
            self.dropped(0)
        return self._final in _CANCELLED

    def cancelled(self) -> bool:
        """Tells whether it was cancelled."""
        return self._final in _CANCELLED

    def running(self) -> bool:
        """Tells whether a worker is at it."""
        return not self.done() and self._state == RUNNING

    def done(self) -> bool:
        """Tells whether it was cancelled or has finished."""
        if self._final is None:
            self._crew.glance()
        return self._final is not None

    def result(self, timeout: float | None = None) -> Any:
        """Returns what the task has returned, or raises what it has raised; waits for it.

        Raises TimeoutError after so many seconds, and CancelledError.
        """
        if self._final is None and self._crew.wait_for(self, timeout):
            timeout = 0
        if self._final == FINISHED and self._exception is None:
            return self._result
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Returns what the task has raised, None if it has returned; waits for it as `result` does."""
        if self._final is None and self._crew.wait_for(self, timeout):
            timeout = 0
        return super().exception(timeout)
