"""The size of the input does not matter: memory stays bounded."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIMIT = 300 << 20

# The most memory that the process ever had, from within: of all of its interpreters together. What getrusage
# tells begins with what the parent has.
RUN = """
import sys
from interlane.cli import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024, file=sys.stderr)
sys.exit(code)
"""


def peak_of(cli: Any, *args: str, timeout: float = 110, stdin: Any = subprocess.DEVNULL) -> int:
    done = subprocess.run(
        [sys.executable, "-c", RUN, "map", *args, "--quiet", "--jobs=2"],
        cwd=cli.directory,
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])


def sparse(path: Path, size: int, line: int = 0) -> Path:
    """Makes a file of zeros that takes no room, with a line end after each `line` bytes."""
    with path.open("wb") as file:
        file.truncate(size)
        for end in range(line, size, line) if line else ():
            file.seek(end)
            file.write(b"\n")
    return path


def test_half_a_gigabyte_without_line_ends_takes_little_memory(cli: Any) -> None:
    cli.module("def size(x): return len(x)")
    sparse(cli.directory / "a.bin", 1 << 29)
    assert peak_of(cli, "job:size", "a.bin", "--by=block", "--output=out") < LIMIT
    sizes = [int(line) for line in (cli.directory / "out").read_text().split()]
    assert sum(sizes) == 1 << 29
    assert max(sizes) < 32 << 20


@pytest.mark.parametrize("by", ["--by=line", "--by=block", r"--delimiter=\n"])
def test_large_results_that_wait_for_their_turn_take_little_memory(cli: Any, by: str) -> None:
    cli.module(
        "import time\ndef big(x):\n    if '\\x01' in x: time.sleep(1)\n    return 'x' * 1_000_000",
    )
    path = sparse(cli.directory / "a.bin", 400 << 20, 1 << 20)
    with path.open("r+b") as file:
        file.write(b"\x01")
    assert peak_of(cli, "job:big", "a.bin", by, "--output=out") < LIMIT
    assert (cli.directory / "out").stat().st_size >= 399 * 1_000_001
    (cli.directory / "out").unlink()  # pytest keeps the folder


def test_much_standard_input_takes_little_memory(cli: Any) -> None:
    cli.module("def size(x): return None")
    path = sparse(cli.directory / "a.bin", 600 << 20, 1 << 20)
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert peak_of(cli, "job:size", "-", "--by=line", stdin=cat.stdout) < LIMIT


@pytest.mark.stress
@pytest.mark.timeout(600)
@pytest.mark.parametrize("line", [0, 1 << 20])
def test_a_file_of_20_gigabytes_takes_little_memory(cli: Any, stress_is_short: bool, line: int) -> None:
    if stress_is_short:
        pytest.skip("short: half a gigabyte is not marked")
    cli.module("def size(x): return len(x)")
    size = 20 << 30
    path = sparse(cli.directory / "a.bin", size, line)
    assert peak_of(cli, "job:size", "a.bin", "--by=block", "--output=out", timeout=500) < LIMIT
    assert sum(int(text) for text in (cli.directory / "out").read_text().split()) == size
    path.unlink()
