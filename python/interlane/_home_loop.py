"""The event loop in which awaitables of this interpreter run when others await them."""

import asyncio
import gc
import threading
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any
from weakref import ref

__all__ = ["is_ending", "loop_for", "note"]


def loop_for(awaitable: Awaitable[Any]) -> asyncio.AbstractEventLoop:
    """That of a future; else one that runs in this interpreter; else one of our own."""
    if asyncio.isfuture(awaitable):
        return awaitable.get_loop()
    loop = _noted() if _noted is not None else None
    if loop is not None and loop.is_running():
        return loop
    return (None if _has_own_loop() else _found()) or _own_loop()


# The last loop in which something was proxied.
_noted: ref[asyncio.AbstractEventLoop] | None = None


def note() -> None:
    """Remembers the loop that is running, if one is: awaitables of this interpreter are likely to be its."""
    global _noted
    loop = asyncio._get_running_loop()  # noqa: SLF001 - get_running_loop() without an exception
    if loop is not None:
        _noted = ref(loop)


def _found() -> asyncio.AbstractEventLoop | None:
    """Looks for a loop that runs in this interpreter, which asyncio tells nobody but its own thread.

    Nor does `sys._current_frames()` help, which looks into all interpreters at once.
    """
    global _noted
    for thing in gc.get_objects():
        # By its type: `isinstance` would ask the object.
        if issubclass(type(thing), asyncio.AbstractEventLoop) and thing.is_running():
            _noted = ref(thing)
            return thing  # type: ignore[no-any-return]  # one of all objects, of that class
    return None


_own: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None
_starting = threading.Lock()
_is_ending = False


def is_ending() -> bool:
    """Whether the loop of our own is about to end, with what still runs in it."""
    return _is_ending


def _has_own_loop() -> bool:
    return _own is not None and _own[1].is_alive()  # it isn't in the child of a fork


def _own_loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, from the first time that one is needed to the interpreter's end."""
    global _own
    with _starting:
        if _own is None or not _has_own_loop():
            loop, stop = asyncio.new_event_loop(), asyncio.Event()

            def end() -> None:
                global _is_ending
                _is_ending = True
                with suppress(RuntimeError):  # it is closed
                    loop.call_soon_threadsafe(stop.set)

            def run() -> None:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:  # cancels what is left at the end
                    runner.run(stop.wait())

            # The one hook that runs before threads are joined; see `_threads`.
            threading._register_atexit(end)  # type: ignore[attr-defined] # noqa: SLF001 - atexit is too late for threads
            # Explicitly no daemon, which isolated interpreters do not allow: this thread is a visitor.
            thread = threading.Thread(target=run, name="interlane-proxies", daemon=False)
            thread.start()
            _own = loop, thread
        return _own[0]
