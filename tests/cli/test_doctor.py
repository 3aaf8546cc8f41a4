"""`interlane doctor`: what loads in an isolated interpreter, and what this Python can do."""

import importlib.util
import json
import re
import signal
import sys
import time
from typing import Any

import pytest

ELSEWHERE = "from interlane import interpreters as i\nif i.get_current() != i.get_main(): "
# What each module does when it is imported.
MODULES = {
    "fine": "print('hello')",
    "shy": f"{ELSEWHERE}raise ImportError('see below\\nmodule shy does not support subinterpreters')",
    "bomb": f"{ELSEWHERE}import os; os.kill(os.getpid(), 11)",
    "snail": f"{ELSEWHERE}import time; open(__file__ + '.out', 'w').close(); time.sleep(60)",
    "broken": "import nowhere_at_all",
    "leaver": "raise SystemExit(3)",
    "quitter": "import os; os._exit(0)",
    "grave": f"{ELSEWHERE}import atexit, os; atexit.register(os.kill, os.getpid(), 11)",
}
STATUS = {
    "fine": "loads",
    "shy": "refuses",
    "bomb": "crashes",
    "snail": "slow",
    "broken": "fails",
    "leaver": "fails",
    "quitter": "fails",
    "grave": "crashes",
}


@pytest.fixture
def cli(cli: Any) -> Any:
    for name, source in MODULES.items():
        cli.module(source, name)
    return cli


@pytest.fixture
def installed(cli: Any) -> Any:
    """The same as three distributions, and only these."""
    cli.file("site/mild/__init__.py", "")
    cli.file("site/mixed/__init__.py", "")
    cli.file("site/_mixed.py", MODULES["shy"])
    for name, modules in {"Mild": ["mild"], "some-mixed": ["mixed", "_mixed"], "empty": []}.items():
        cli.file(
            f"site/{name}-1.5.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n"
        )
        cli.file(f"site/{name}-1.5.dist-info/top_level.txt", "\n".join(modules))
    code = (
        "import importlib.metadata as m, sys\n"
        "found = list(m.distributions(path=['site']))\n"
        "m.distributions = lambda: found\n"
        "m.version = lambda name: next((it.version for it in found if it.name == name), '0')\n"
        "sys.path.append('site')\n"
        "from interlane.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    cli.file("doctored.py", code)
    return cli


def _doctored(cli: Any, *args: str, expect: int = 0) -> Any:
    import subprocess

    done = subprocess.run(
        [sys.executable, "doctored.py", "doctor", *args],
        cwd=cli.directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


def test_each_module_is_told_apart_by_what_it_does(cli: Any) -> None:
    # A child needs seconds to start where others compile; the snail is late either way.
    quick = [name for name in MODULES if name != "snail"]
    found = {}
    for args in ([*quick, "--timeout", "60"], ["snail", "--timeout", "2"]):
        report = json.loads(cli.run("doctor", *args, "--json", expect=1).stdout)
        found |= {it["name"]: it for it in report["distributions"]}
    assert {name: it["status"] for name, it in found.items()} == STATUS
    for name, it in found.items():
        (module,) = it["modules"]
        assert module["module"] == name
        assert (module["reason"] is None) == (it["advice"] is None) == (name == "fine")
    reasons = {name: it["modules"][0]["reason"] for name, it in found.items()}
    assert reasons["shy"] == "module shy does not support subinterpreters"
    assert reasons["bomb"] == signal.Signals(11).name
    assert reasons["grave"] == f"{signal.Signals(11).name}, when its interpreter was closed"
    assert reasons["snail"] == "not done after 2 s"
    assert reasons["broken"] == "ModuleNotFoundError: No module named 'nowhere_at_all'"
    assert reasons["quitter"] == "exit code 0"
    assert found["fine"]["seconds"] < 60
    # Elsewhere it would be another interpreter too.
    assert found["shy"]["modules"][0]["legacy"] is False
    assert found["fine"]["modules"][0]["legacy"] is None
    assert found["bomb"]["seconds"] is None


def test_the_report_says_what_python_and_the_system_have(cli: Any) -> None:
    report = json.loads(cli.run("doctor", "fine", "--json").stdout)
    assert report["python"]["python"].startswith(".".join(map(str, sys.version_info[:3])))
    parts = {part["name"]: part for part in report["parts"]}
    assert parts["interpreters with a GIL of their own"]["works"], parts
    assert parts["interpreter guards (PEP 788)"]["works"] == (sys.version_info >= (3, 15))
    assert all(set(part) == {"name", "works", "detail"} for part in report["parts"])


def test_modules_that_load_end_with_0_and_a_table(cli: Any) -> None:
    lines = cli.run("doctor", "fine", "json").stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(("  fine", "  json"))] == [
        ["fine", "loads"],
        ["json", "loads"],
    ]
    assert "  loads 2" in lines
    assert "What to do" not in lines


def test_a_module_that_is_nowhere_fails(cli: Any) -> None:
    done = cli.run("doctor", "nowhere.at.all", expect=1)
    assert "ModuleNotFoundError: No module named 'nowhere'" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="needs NumPy")
def test_an_extension_that_refuses_is_named_also_when_its_importer_goes_on_without(cli: Any) -> None:
    cli.module("try:\n    import numpy\nexcept ImportError:\n    pass", "lenient")
    cli.module("import numpy", "strict")
    report = json.loads(cli.run("doctor", "lenient", "strict", "--json", expect=1).stdout)
    lenient, strict = report["distributions"]
    assert (lenient["status"], strict["status"]) == ("loads", "refuses")
    for it in (lenient, strict):
        assert it["because_of"] == ["numpy"]
        assert it["modules"][0]["refused"] == ["numpy._core._multiarray_umath"]
    assert lenient["modules"][0]["reason"] == "without numpy._core._multiarray_umath, which refused"
    assert strict["advice"] == "see numpy, whose extension modules are what refuses."


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="needs NumPy")
def test_what_loads_beside_the_main_interpreter_under_its_gil_is_advised_to(cli: Any) -> None:
    (found,) = json.loads(cli.run("doctor", "numpy", "--json", expect=1).stdout)["distributions"]
    (module,) = found["modules"]
    assert module["legacy"] == found["advice"].endswith("it loads: apart from others, but not in parallel.")


def test_without_a_module_all_that_is_installed_is_tried_and_the_exit_code_is_0(installed: Any) -> None:
    done = _doctored(installed)
    rows = [
        line.split(maxsplit=5)
        for line in done.stdout.splitlines()
        if line.startswith(("  Mild", "  some-mixed"))
    ]
    assert [row[:3] for row in rows[:2]] == [["Mild", "1.5", "loads"], ["some-mixed", "1.5", "refuses"]]
    assert rows[1][5] == "module shy does not support subinterpreters"
    assert "some-mixed: keep it in the main interpreter" in done.stdout
    assert done.stderr == ""


def test_a_distribution_goes_by_its_own_name_too(installed: Any) -> None:
    report = json.loads(_doctored(installed, "Some_Mixed", "--json", expect=1).stdout)
    (found,) = report["distributions"]
    assert found["name"] == "some-mixed"
    assert [it["status"] for it in found["modules"]] == ["refuses", "loads"]


def test_progress_is_for_terminals_only(cli: Any, terminal: Any) -> None:
    assert cli.run("doctor", "fine").stderr == ""
    cli.module("import time; time.sleep(0.3)", "slower")
    child = cli.start("fine", "slower", command="doctor", stderr=terminal.slave, env={"NO_COLOR": "1"})
    child.communicate(timeout=60)
    assert re.search(r"\r\[[# ]{20}\] +\d+%  [12]/2 modules  \w+", terminal.close())


def test_no_color_means_a_plain_table(cli: Any, terminal: Any) -> None:
    child = cli.start("fine", command="doctor", stdout=terminal.slave, env={"NO_COLOR": "1", "TERM": "xterm"})
    child.communicate(timeout=60)
    seen = terminal.close()
    assert "loads" in seen
    assert "\x1b" not in seen


def test_ctrl_c_ends_it_with_the_children(cli: Any) -> None:
    child = cli.start("snail", "snail.x", command="doctor")
    # The table of what Python has comes before the first child.
    while "cpus" not in child.stdout.readline():
        assert child.poll() is None
    deadline = time.monotonic() + 60
    while not (cli.directory / "snail.py.out").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=50)  # less than the snail sleeps
    assert child.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr


@pytest.mark.skipif(importlib.util.find_spec("rich") is None, reason="needs rich")
def test_rich_draws_the_tables_of_a_terminal(cli: Any, terminal: Any) -> None:
    child = cli.start("fine", command="doctor", stdout=terminal.slave, env={"NO_COLOR": "", "TERM": "xterm"})
    child.communicate(timeout=60)
    seen = terminal.close()
    assert "─────" in seen
    assert re.search(r"fine\W.*\x1b\[32mloads", seen)
