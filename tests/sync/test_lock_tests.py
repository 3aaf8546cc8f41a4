"""CPython's own tests of locks (`test.lock_tests` of the version that runs), with ours in place."""

import threading
import time
import unittest
from unittest import mock

import interlane
import pytest

lock_tests = pytest.importorskip("test.lock_tests", reason="this Python comes without its test suite")


def without(**reasons: str):
    """Marks tests that say something about threading's own implementation, each with the reason."""

    def decorate(cls):
        for name, reason in reasons.items():
            if hasattr(cls, name):
                setattr(cls, name, unittest.skip(reason)(getattr(cls, name)))
        return cls

    return decorate


class Patient:
    """A busy machine may stop a test for seconds: the originals allow for little more than a second."""

    def assertTimeout(self, actual, expected):  # the name is CPython's
        assert expected * 0.6 <= actual < expected + 60


def wait_until_blocked(count: int) -> None:
    """What the original does by a sleep."""
    end = time.monotonic() + 60
    while len(interlane.inspect().waits) < count and time.monotonic() < end:
        time.sleep(0.01)


@without(test_at_fork_reinit="calls a private method of threading's lock")
class TestLock(Patient, lock_tests.LockTests):
    locktype = staticmethod(interlane.Lock)


class TestRLock(Patient, lock_tests.RLockTests):
    locktype = staticmethod(interlane.RLock)


@without(test_at_fork_reinit="looks at the lock inside of threading's event")
class TestEvent(Patient, lock_tests.EventTests):
    eventtype = staticmethod(interlane.Event)

    def test_set_and_clear(self):
        # Who comes too late for the one moment at which it is set would wait for minutes.
        with mock.patch.object(lock_tests, "wait_threads_blocked", wait_until_blocked):
            super().test_set_and_clear()


@without(
    test_acquire="makes a condition over a threading.Lock: see test_a_condition_is_over_a_lock_of_ours",
    test_nan_timeout="looks at the waiters inside of threading's condition: see test_timeouts_that_are_none",
)
class TestCondition(Patient, lock_tests.ConditionTests):
    condtype = staticmethod(interlane.Condition)


class TestConditionOfThreadingOverOurs(Patient, lock_tests.ConditionTests):
    """Ours has what `threading.Condition` asks of a lock."""

    condtype = staticmethod(lambda lock=None: threading.Condition(lock or interlane.RLock()))


class TestSemaphore(Patient, lock_tests.SemaphoreTests):
    semtype = staticmethod(interlane.Semaphore)


class TestBoundedSemaphore(Patient, lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(interlane.BoundedSemaphore)


@without(
    test_timeout="somebody comes a second too late: see test_a_wait_that_is_over_breaks_the_barrier_for_all"
)
class TestBarrier(lock_tests.BarrierTests):
    defaultTimeout = 60.0  # within that all threads have to come
    barriertype = staticmethod(interlane.Barrier)
