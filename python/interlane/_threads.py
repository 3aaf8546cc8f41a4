"""Watches the threads of an interpreter that is ending: see crates/python/src/runtime/blocked.rs."""

import threading

from interlane import _core


def others() -> list[int]:
    """Return the identifiers of the threads that keep this interpreter from ending."""
    main = threading.main_thread()
    return [
        thread.ident
        for thread in threading.enumerate()
        if thread is not main and not thread.daemon and thread.ident is not None
    ]


def daemons() -> list[int]:
    """Return the identifiers of the daemon threads, without the thread that asks."""
    me = threading.get_ident()
    return [
        thread.ident
        for thread in threading.enumerate()
        if thread.daemon and thread.ident is not None and thread.ident != me
    ]


def _watch() -> None:
    # Joining comes next, and would wait for ever for a thread that nobody can wake.
    if others():
        _core._watch_threads()  # noqa: SLF001 - ours


# The one hook that runs before threads are joined; private, and used by concurrent.futures in the same way.
threading._register_atexit(_watch)  # type: ignore[attr-defined] # noqa: SLF001
