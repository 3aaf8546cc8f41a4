"""`interlane bench` runs to its end and writes what it should. What it measures is not tested."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OTHER = "queue.SimpleQueue, threads"
ONE = ("--quick", "--only", "int-round-trip", "--contender", "interlane", "--contender", OTHER)


def test_a_table_has_the_machine_the_noise_and_who_was_measured(cli: Any) -> None:
    done = cli.run("bench", *ONE, "--json", "figures.json")
    assert done.stderr == ""
    assert f"Python {sys.version.split()[0]}" in done.stdout
    assert "the same loop took" in done.stdout
    assert "An int, there and back, both sides busy with nothing else [us, less is better]" in done.stdout
    rows = [line.strip() for line in done.stdout.splitlines() if line.endswith("#")]
    assert [row.startswith(name) for row, name in zip(rows, ("interlane", OTHER), strict=True)] == [
        True,
        True,
    ]
    report = json.loads((cli.directory / "figures.json").read_text())
    assert set(report) == {"machine", "noise", "results"}
    assert set(report["noise"]) == {"loops", "median", "least", "most", "spread"}
    assert list(report["results"]["int-round-trip"]) == ["interlane", OTHER]
    assert report["results"]["int-round-trip"]["interlane"]["medians"][0] > 0


def test_json_on_standard_output_stands_alone(cli: Any) -> None:
    report = json.loads(cli.run("bench", *ONE, "--json", "-").stdout)
    assert report["results"]["int-round-trip"][OTHER]["count"] > 0


def test_who_is_missing_is_named_with_the_reason(cli: Any) -> None:
    missing = {"bocpy": "it is not installed", "concurrent.interpreters.Queue": "it came with Python 3.14"}
    gone = "bocpy" if importlib.util.find_spec("bocpy") is None else "concurrent.interpreters.Queue"
    if gone != "bocpy" and sys.version_info >= (3, 14):
        pytest.skip("all are there")
    done = cli.run("bench", *ONE, "--contender", gone)
    assert f"  left out in int-round-trip: {gone}: {missing[gone]}" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--contender", "nobody"), "no contender 'nobody'"),
        (("--only", "nothing"), "invalid choice: 'nothing'"),
        (("--chart", "chart.pdf"), "'chart.pdf' does not end in .png or .svg"),
    ],
)
def test_wrong_usage_is_noticed_before_anything_is_measured(
    cli: Any, args: tuple[str, ...], message: str
) -> None:
    assert message in cli.run("bench", *args, expect=2).stderr


def test_without_matplotlib_a_chart_says_what_to_install(cli: Any) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from interlane.cli import main\n"
        "sys.exit(main(['bench', '--chart', 'chart.png']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cli.directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "matplotlib is not installed: pip install 'interlane[bench]'" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")
@pytest.mark.parametrize(("name", "magic"), [("chart.png", b"\x89PNG"), ("chart.svg", b"<?xml")])
def test_a_chart_is_drawn(cli: Any, name: str, magic: bytes) -> None:
    cli.run("bench", *ONE, "--chart", name)
    assert Path(cli.directory, name).read_bytes().startswith(magic)


def test_a_file_that_cannot_be_written_is_an_error(cli: Any) -> None:
    done = cli.run("bench", *ONE, "--json", "no/such/folder", expect=1)
    assert "interlane: cannot write 'no/such/folder': no such file or directory" in done.stderr


def test_a_terminal_gets_progress(cli: Any, terminal: Any) -> None:
    child = cli.start(*ONE, command="bench", stderr=terminal.slave)
    child.communicate(timeout=100)
    assert child.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.close())
    assert "  0%  int-round-trip: interlane" in plain
