"""Usage: what the command line says about what it was asked."""

import re
import subprocess
import sys
from typing import Any

import pytest


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(
        """
        number = 7

        def shout(text):
            return text.upper()

        def nothing():
            return 1

        async def later(text):
            return text
        """
    )
    cli.file("a.txt", "a")
    return cli


def test_map_without_a_path_is_a_usage_error(cli: Any) -> None:
    done = cli.map("job:shout", expect=2)
    assert "no PATH given" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("job", "'job' is not of the form MODULE:FUNCTION"),
        ("job:", "'job:' is not of the form MODULE:FUNCTION"),
        ("job.py:shout", "'job.py' is a file: give the name to import"),
        ("nowhere:shout", "there is no module 'nowhere'"),
        ("job.inner:shout", "there is no module 'job.inner'"),
        ("job:whisper", "module 'job' has no 'whisper'"),
        ("job:shout.whisper", "module 'job' has no 'shout.whisper'"),
        ("job:number", "'job:number' is not callable: int"),
        ("job:nothing", "'job:nothing' cannot be called with one argument: too many positional arguments"),
        ("job:later", "'job:later' is an async function"),
    ],
)
def test_a_function_that_cannot_be_used_is_a_usage_error(cli: Any, function: str, message: str) -> None:
    done = cli.map(function, "a.txt", expect=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "import nowhere",
        "1 / 0",
        "def broken(:",
        "raise SystemExit('no')",
        "import sys\nsys.nothing",
    ],
)
def test_a_module_that_fails_to_import_is_a_usage_error_with_the_traceback(cli: Any, source: str) -> None:
    cli.module(source, "broken")
    done = cli.map("broken:shout", "a.txt", expect=2)
    assert "importing 'broken' failed" in done.stderr
    assert "broken.py" in done.stderr
    assert "importlib" not in done.stderr
    assert "interlane/cli" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--jobs", "0"),
        ("--jobs", "many"),
        ("--by", "word"),
        ("--as", "list"),
        ("--backend", "magic"),
        ("--format", "xml"),
        ("--block-size", "0"),
        ("--block-size", "1X"),
        ("--ordered", "--unordered"),
        ("--nonsense",),
    ],
)
def test_wrong_options_are_usage_errors(cli: Any, arguments: tuple[str, ...]) -> None:
    done = cli.map("job:shout", "a.txt", *arguments, expect=2)
    assert "interlane map: error:" in done.stderr


def test_options_may_stand_between_paths(cli: Any) -> None:
    cli.file("b.txt", "b")
    assert cli.lines("--quiet", "job:shout", "a.txt", "--backend", "serial", "b.txt", "-k") == ["A", "B"]


@pytest.mark.parametrize("arguments", [(), ("frobnicate",)])
def test_without_a_known_command_there_is_usage(cli: Any, arguments: tuple[str, ...]) -> None:
    done = _interlane(cli, *arguments)
    assert done.returncode == 2
    assert "usage: interlane" in done.stderr


def test_version_and_help_end_with_0(cli: Any) -> None:
    assert _interlane(cli, "--version").stdout.startswith("interlane ")
    assert "exit code" in _interlane(cli, "map", "--help").stdout


def test_the_module_is_found_in_the_current_directory_whatever_started_python(cli: Any, backend: str) -> None:
    # -P keeps it off sys.path, as it is for the installed script.
    assert cli.lines("job:shout", "a.txt", backend, flags=("-P",)) == ["A"]


def test_a_method_of_a_class_can_be_mapped(cli: Any, backend: str) -> None:
    cli.module(
        "class Shout:\n    class Twice:\n        @staticmethod\n        def run(text): return text * 2",
        "deep",
    )
    assert cli.lines("deep:Shout.Twice.run", "a.txt", backend) == ["aa"]


def test_a_builtin_can_be_mapped(cli: Any, backend: str) -> None:
    assert cli.lines("builtins:len", "a.txt", backend) == ["1"]


def test_the_summary_has_items_bytes_failures_seconds_rate_backend_and_jobs(cli: Any) -> None:
    cli.file("b.txt", "b" * 2000)
    stderr = cli.map("job:shout", "a.txt", "b.txt", "--backend=threads", "--jobs=2").stderr
    seconds, rates = r"\d+\.\d+ s", r"\d+ files/s, \S+ [kM]?B/s"
    expected = rf"interlane: 2 files, 2\.0 kB, 0 failed in {seconds} \({rates}; threads, 2 jobs\)\n"
    assert re.fullmatch(expected, stderr), stderr


def test_quiet_says_nothing_but_failures(cli: Any) -> None:
    done = cli.map("job:shout", "a.txt", "nothing.txt", "-q", "-k", "--backend=serial", expect=1)
    assert done.stderr == "interlane: nothing.txt: cannot be read: no such file or directory\n"


def _interlane(cli: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "interlane", *arguments],
        cwd=cli.directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
