"""The demonstration, on a few files."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

SOURCES = {
    "a.py": "def f(x):\n    return [x, f(x + 1)]\n",
    "large.py": "values = [\n" + "    'some text', 12, None,\n" * 10_000 + "]\n",
    "sub/broken.py": "def f(:\n",
    "sub/empty.py": "",
    "sub/not_text.py": b"\xff",
    "sub/notes.txt": "not Python",
}


@pytest.fixture
def cli(cli: Any) -> Any:
    for name, content in SOURCES.items():
        cli.file(f"d/{name}", content)
    return cli


def test_the_demonstration_finds_the_same_and_loses_no_release(cli: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "interlane.demo", "--jobs=2", "d"],
        cwd=cli.directory,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^files +4 +4$", done.stdout, re.MULTILINE)
    assert re.search(r"^times serial +1\.00 +\d+\.\d\d$", done.stdout, re.MULTILINE)
    assert "1 text (270.0 kB) shared without a copy, 0 releases lost" in done.stdout
    assert "The results are the same." in done.stdout


def test_analyse_can_be_mapped(cli: Any, backend: str) -> None:
    lines = cli.lines("interlane.demo:analyse", "d", "--glob=[a-e]*.py", "--format=jsonl", backend)
    assert {record["file"]: record["result"] for record in map(json.loads, lines)} == {
        "d/a.py": {"tokens": 22, "names": 7, "different": 4, "depth": 8},
        "d/sub/broken.py": {"tokens": 5, "names": 2, "different": 2, "depth": 0},
        "d/sub/empty.py": {"tokens": 1, "names": 0, "different": 0, "depth": 1},
    }
