"""CPython's own tests of locks (`test.lock_tests` of the version that runs), with ours in place."""

import threading
import unittest

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


@without(test_at_fork_reinit="calls a private method of threading's lock")
class TestLock(lock_tests.LockTests):
    locktype = staticmethod(interlane.Lock)


class TestRLock(lock_tests.RLockTests):
    locktype = staticmethod(interlane.RLock)


@without(test_at_fork_reinit="looks at the lock inside of threading's event")
class TestEvent(lock_tests.EventTests):
    eventtype = staticmethod(interlane.Event)


@without(
    test_acquire="makes a condition over a threading.Lock: see test_a_condition_is_over_a_lock_of_ours",
    test_nan_timeout="looks at the waiters inside of threading's condition: see test_timeouts_that_are_none",
)
class TestCondition(lock_tests.ConditionTests):
    condtype = staticmethod(interlane.Condition)


class TestConditionOfThreadingOverOurs(lock_tests.ConditionTests):
    """Ours has what `threading.Condition` asks of a lock."""

    condtype = staticmethod(lambda lock=None: threading.Condition(lock or interlane.RLock()))


class TestSemaphore(lock_tests.SemaphoreTests):
    semtype = staticmethod(interlane.Semaphore)


class TestBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(interlane.BoundedSemaphore)


class TestBarrier(lock_tests.BarrierTests):
    barriertype = staticmethod(interlane.Barrier)
