"""What the fault tests share. Each runs in a child process, with these names in place."""

import textwrap
from collections.abc import Callable
from typing import Any

import pytest

PRELUDE = """
import gc, os, random, sys, threading, time
import interlane
from interlane import interpreters

def settled(seconds=5.0):
    '''Waits until nothing is live or on its way any more, and returns the counters.'''
    end = time.monotonic() + seconds
    while ((now := interlane.stats()).live or now.pending) and time.monotonic() < end:
        time.sleep(0.002)
    return now

def nothing_is_lost(seconds=5.0):
    now = settled(seconds)
    assert now.live == now.pending == now.nbytes == 0, now
    assert now.created == now.released + now.orphaned, now
    return now

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def start(target, *args, daemon=False):
    thread = threading.Thread(target=target, args=args, daemon=daemon)
    thread.start()
    return thread

def quiet(call, *args):
    '''Calls, and swallows what a channel that has ended or a timeout raises.'''
    try:
        return call(*args)
    except (interlane.ChannelError, TimeoutError):
        return None
"""


@pytest.fixture
def run_child(run_child: Callable[..., Any]) -> Callable[..., Any]:
    """The general fixture, with the names above in the child."""

    def run(code: str, *args: object, **options: Any) -> Any:
        return run_child(PRELUDE + textwrap.dedent(code), *map(str, args), **options)

    return run
