"""CPython's own test cases for `bytes`, `str` and `memoryview`, against our types."""

import unittest
from typing import Any

import pytest
from interlane import SharedBuffer, SharedBytes, SharedStr

# Why a case cannot hold for a subclass that is final and whose methods return the base class.
FINAL = "subclasses the class"
EXACT = "asks for the very class as the result of a method"
NAMED = "names the class in another process, or compares its name"


def _failures(case: type[unittest.TestCase], exceptions: dict[str, str], least: int = 50) -> str:
    suite = unittest.TestSuite()
    for test in unittest.defaultTestLoader.loadTestsFromTestCase(case):
        name = test.id().rpartition(".")[2]
        if name not in exceptions:
            suite.addTest(test)
    assert suite.countTestCases() > least
    result = unittest.TestResult()
    suite.run(result)
    return "\n".join(text for _, text in result.failures + result.errors)


def test_bytes_cases_hold_for_shared_bytes() -> None:
    test_bytes: Any = pytest.importorskip("test.test_bytes", reason="this Python comes without its tests")

    class Case(test_bytes.BytesTest):  # type: ignore[misc]
        type2test = SharedBytes

    exceptions = {
        "test_free_after_iterating": FINAL,
        "test__bytes__": EXACT,
        "test_imod": EXACT,
        "test_mod": EXACT,
        "test_translate": EXACT,
        "test_check_encoding_errors": NAMED,
    }
    failures = _failures(Case, exceptions)
    assert not failures, failures


def test_str_cases_hold_for_shared_str() -> None:
    test_str: Any
    try:
        from test import test_str
    except ImportError:
        test_str = pytest.importorskip("test.test_unicode", reason="this Python comes without its tests")
    base = getattr(test_str, "StrTest", None) or test_str.UnicodeTest

    class Case(base):  # type: ignore[misc]
        type2test = SharedStr

    exceptions = {
        "test_bug1001011": FINAL,
        "test_mul": FINAL,
        "test_free_after_iterating": FINAL,
        "test_subscript": NAMED,
    }
    failures = _failures(Case, exceptions)
    assert not failures, failures


def test_bytes_cases_of_strings_hold_for_shared_bytes() -> None:
    test_bytes: Any = pytest.importorskip("test.test_bytes", reason="this Python comes without its tests")

    class Case(test_bytes.BytesAsStringTest):  # type: ignore[misc]
        type2test = SharedBytes

    failures = _failures(Case, {"test_mul": FINAL}, least=30)
    assert not failures, failures


def test_memoryview_cases_hold_over_shared_buffers() -> None:
    cases: Any = pytest.importorskip("test.test_memoryview", reason="this Python comes without its tests")

    class Base(cases.BaseBytesMemoryTests):  # type: ignore[misc]
        ro_type = SharedBytes
        rw_type = SharedBuffer.copy_of

    class Whole(unittest.TestCase, cases.BaseMemoryviewTests, Base):  # type: ignore[misc]
        pass

    class Part(unittest.TestCase, cases.BaseMemorySliceTests, Base):  # type: ignore[misc]
        pass

    for case in (Whole, Part):
        failures = _failures(case, {"test_gc": FINAL}, least=10)
        assert not failures, failures
