"""What the tests of locks share. Each child has these names in place."""

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

PRELUDE = """
import os, random, signal, sys, threading, time
import interlane
from interlane import interpreters

KINDS = {
    "Lock": interlane.Lock, "RLock": interlane.RLock, "Semaphore": interlane.Semaphore,
    "BoundedSemaphore": interlane.BoundedSemaphore, "Event": interlane.Event,
    "Condition": interlane.Condition, "Barrier": lambda: interlane.Barrier(2),
    "AtomicInt": interlane.AtomicInt,
}

def start(target, *args, daemon=False):
    thread = threading.Thread(target=target, args=args, daemon=daemon)
    thread.start()
    return thread

def until(condition, seconds=50):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)

def inspected(condition, seconds=50):
    '''What inspect() says once the condition is true of it.'''
    end = time.monotonic() + seconds
    while not condition(now := interlane.inspect()):
        assert time.monotonic() < end, f"it never happened: {now}"
        time.sleep(0.002)
    return now

def waiting(primitive):
    return next(it.waiting for it in interlane.inspect().locks if it.id == primitive.id)

def elsewhere(code, **shared):
    '''An interpreter that has run the code; and whoever calls the result runs more there, in a thread.'''
    interp = interpreters.create()
    interp.prepare_main(**shared)
    interp.exec("import interlane, random, threading, time\\n" + code)
    return interp
"""


@pytest.fixture
def run_child(run_child: Callable[..., Any]) -> Callable[..., Any]:
    """The general fixture, with the names above in the child."""

    def run(code: str, *args: object, **options: Any) -> Any:
        return run_child(PRELUDE + textwrap.dedent(code), *map(str, args), **options)

    return run
