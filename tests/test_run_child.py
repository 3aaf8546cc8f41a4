"""`run_child` has to be right before what it says about interlane means anything."""

import os
import re
import signal
import time
from typing import Any

import pytest

FAILED = pytest.fail.Exception


def test_returns_what_the_child_printed(run_child: Any) -> None:
    output = run_child(
        """
        import os, sys
        print(sys.argv[1], os.environ["INTERLANE_TEST"])
        print("aside", file=sys.stderr)
        """,
        "one",
        env={"INTERLANE_TEST": "two"},
    )
    assert output == "one two\n"
    assert output.stderr == "aside\n"


def test_an_unexpected_exit_code_fails_with_the_traceback(run_child: Any) -> None:
    with pytest.raises(FAILED, match=r"exit code 1, expected 0(.|\n)*ZeroDivisionError"):
        run_child("1 / 0")


def test_a_crash_can_be_expected(run_child: Any) -> None:
    output = run_child("import os; os.abort()", expect=-signal.SIGABRT)
    assert "Fatal Python error: Aborted" in output.stderr


def time_out(run_child: Any, code: str, until: str) -> str:
    """Returns how the test fails when the child takes too long, given the time to get as far as `until`."""
    said = ""
    for timeout in (0.5, 3, 20):
        with pytest.raises(FAILED) as caught:
            run_child(code, timeout=timeout)
        said = str(caught.value)
        assert f"not done after {timeout} s" in said
        if until in said:
            break
    return said


def test_a_hang_fails_with_every_stack(run_child: Any) -> None:
    said = time_out(run_child, "import time; time.sleep(60)", until='File "<string>"')
    assert re.search(r'Fatal Python error: Aborted(.|\n)*File "<string>"', said)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_what_the_child_started_does_not_outlive_a_timeout(run_child: Any) -> None:
    code = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("grand" + "child", child.pid, flush=True)
        child.wait()
        """
    said = time_out(run_child, code, until="grandchild ")
    pid = int(said.rpartition("grandchild ")[2].split()[0])
    deadline = time.monotonic() + 60
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
