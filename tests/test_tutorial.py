"""The commands of the tutorial, in the order in which they are there, in one shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
STATUS = Path("/var/lib/dpkg/status")


def script(text: str) -> str:
    """What a reader does: saves the programs under the name in their first line, and types the commands."""
    steps = []
    for kind, content in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if kind == "python":
            name = content.split("\n", 1)[0].removeprefix("# ")
            assert name.endswith(".py")
            steps.append(f"cat > {name} <<'END'\n{content}END\n")
        else:
            steps += [line[2:] for line in content.splitlines() if line.startswith("$ ")]
    return "\n".join(steps)


def run(folder: Path, text: str) -> list[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script(text)],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def test_the_standard_librarys_sources(tmp_path: Path) -> None:
    lines = run(tmp_path, TUTORIAL.read_text().split("## Debian")[0])
    assert lines[:3] == ["_json", "json", "re"]
    assert re.fullmatch(r" *\d+ \w+", lines[3])
    assert re.fullmatch(r" *\d+ \w+", lines[6])
    assert all(line.startswith('{"file": ') for line in lines[-3:-1])
    assert int(lines[-1]) > 10
    assert (tmp_path / "serial.txt").read_text().count("tokens") > 10


@pytest.mark.skipif(not STATUS.exists(), reason="not a Debian system")
def test_debians_package_lists(tmp_path: Path) -> None:
    large = run(tmp_path, TUTORIAL.read_text().split("## Debian")[1])
    records = (tmp_path / "packages.jsonl").read_text().splitlines()
    assert len(records) == len(re.findall("^Package: ", STATUS.read_text(), re.MULTILINE))
    assert len(large) <= 3
    assert not (tmp_path / "progress").exists()
