"""What the tests of pools share: most are programs in processes of their own, since most could hang."""

from tests.conftest import RunChild

# What most of the programs below begin with: functions of a `__main__` that is not a file go by code.
START = """
import sys, time, threading
import concurrent.futures as cf
import interlane
from interlane import InterpreterPoolExecutor

def double(x):
    return 2 * x

def nap(seconds, value=None):
    time.sleep(seconds)
    return value

def when(event, value=None):
    assert event.wait(90)
    return value

def where():
    from interlane import interpreters
    return interpreters.get_current().id

def fail(text):
    error = ValueError(text)
    error.add_note("a note")
    raise error
"""


def check(run_child: RunChild, code: str) -> str:
    return run_child(START + code + "\nprint('done')", timeout=110)
