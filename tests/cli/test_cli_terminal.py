"""Progress: a line on a terminal, nothing anywhere else. The summary."""

import importlib.util
import os
import re
import signal
import time
from typing import Any

import pytest

NAP = """
import os, time

def nap(text):
    time.sleep(0.05)
    while "y" in text and os.path.exists("hold"):
        time.sleep(0.01)
    return text

def fail(text):
    return int(text)
"""

PLAIN = {"NO_COLOR": "1", "TERM": "xterm"}
COLOURED = {"NO_COLOR": "", "TERM": "xterm"}
needs_rich = pytest.mark.skipif(importlib.util.find_spec("rich") is None, reason="needs rich")


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(NAP)
    for n in range(20):
        cli.file(f"d/{n:02}.txt", "x" * 1000 if n < 19 else "y" * 1000)
    return cli


def _without_rich(cli: Any, environment: dict[str, str]) -> dict[str, str]:
    """Returns an environment in which rich can't be found."""
    folder = cli.file("hiding/sitecustomize.py", "import sys\nsys.modules['rich'] = None\n").parent
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


def _run(cli: Any, terminal: Any, *args: str, function: str = "nap", expect: int = 0, **options: Any) -> str:
    """Runs it to its end. The last file waits until the progress was seen, if that is asked for."""
    text, times = options.pop("see", ("", 0))
    options = {"env": PLAIN, **options}
    if times:
        cli.file("hold", "")
    child = cli.start(f"job:{function}", "d", *args, stderr=terminal.slave, **options)
    if times:
        terminal.wait_for(text, times)
        (cli.directory / "hold").unlink()
    child.communicate(timeout=60)
    assert child.returncode == expect
    return terminal.close()


def test_a_terminal_gets_a_line_with_count_rate_and_eta(cli: Any, terminal: Any, backend: str) -> None:
    seen = _run(cli, terminal, backend, see=("ETA", 1))
    shown = re.findall(r"\r(\[[# ]{20}\] +\d+%  (\d+)/20 files  \S+ kB  \S+ k?B/s  ETA \d+:\d\d)", seen)
    assert shown
    counts = [int(count) for _, count in shown]
    assert counts == sorted(counts)
    # It is gone when the summary comes.
    *_, last, after = seen.rstrip("\r\n").split("\r")
    assert last.strip() == ""
    assert after.startswith("interlane: 20 files")


def test_no_color_means_plain_text(cli: Any, terminal: Any) -> None:
    seen = _run(cli, terminal, "-k", function="fail", expect=1)
    assert "interlane: d/00.txt: ValueError" in seen
    assert "\x1b" not in seen


def test_failures_are_red_on_a_terminal(cli: Any, terminal: Any) -> None:
    seen = _run(cli, terminal, function="fail", expect=1, env=COLOURED)
    assert "\x1b[31minterlane: d/00.txt: ValueError" in seen


def test_without_rich_colours_change_neither_progress_nor_summary(cli: Any, terminal: Any) -> None:
    seen = _run(cli, terminal, env=_without_rich(cli, COLOURED), see=("/20 files", 1))
    assert re.search(r"\r\[[# ]{20}\] +\d+%  \d+/20 files  \S+ k?B", seen)
    assert re.search(
        r"\rinterlane: 20 files, 20.0 kB, 0 failed in \d+.\d+ s \(\d+ files/s, .* k?B/s; .*\)\r\n$", seen
    )
    assert "\x1b" not in seen


@needs_rich
def test_rich_draws_progress_and_summary(cli: Any, terminal: Any, backend: str) -> None:
    seen = _run(cli, terminal, backend, env=COLOURED, see=("/20 files", 3))
    *lines, summary = seen.rstrip("\r\n").split("\r")
    shown = [_bare(line) for line in lines if "━" in line]
    assert len(shown) >= 3
    for line in shown:
        assert re.fullmatch(r"[━╸╺]{20} +\d+%  \d+/20 files  \S+ k?B  \S+ k?B/s(  ETA \d+:\d\d)?", line)
    counts = [int(count) for line in shown for count in re.findall(r"(\d+)/20", line)]
    assert counts == sorted(counts)
    # Colours make the bar; it is gone when the summary comes, and the cursor was never hidden.
    assert re.search(r"\x1b\[[\d;]+m[━╺]", seen)
    assert summary.startswith("\x1b[K")
    assert "\x1b[?" not in seen
    assert _bare(summary).startswith("interlane: 20 files, 20.0 kB, 0 failed in ")
    assert "\x1b[32m0 failed\x1b[0m" in summary


@needs_rich
def test_rich_counts_failures_in_red(cli: Any, terminal: Any) -> None:
    seen = _run(cli, terminal, "--keep-going", function="fail", expect=1, env=COLOURED)
    assert "\x1b[31m20 failed\x1b[0m" in seen


@needs_rich
def test_rich_moves_a_bar_when_nobody_knows_how_much_there_is(cli: Any, terminal: Any) -> None:
    child = cli.start("job:nap", "-", "--by=line", stderr=terminal.slave, stdin=-1, env=COLOURED)

    def moments() -> list[str]:
        return [line for line in terminal.seen.split("\r") if "━" in line]

    deadline = time.monotonic() + 60
    while len({line.partition("  ")[0] for line in moments()[:-1]}) < 2:
        assert time.monotonic() < deadline, terminal.seen
        child.stdin.write("x\n")
        child.stdin.flush()
        time.sleep(0.1)
    child.communicate(timeout=60)
    assert child.returncode == 0
    terminal.close()
    assert all("%" not in line and "ETA" not in line for line in moments())


@needs_rich
def test_ctrl_c_leaves_the_terminal_as_it_was(cli: Any, terminal: Any) -> None:
    cli.module("import time\ndef nap(text):\n    time.sleep(10)")
    child = cli.start("job:nap", "d", "--jobs=2", stderr=terminal.slave, env=COLOURED)
    terminal.wait_for("━")
    os.killpg(child.pid, signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130
    seen = terminal.close()
    assert "\x1b[?" not in seen
    assert seen.count("\x1b[0m") * 2 == len(re.findall(r"\x1b\[[\d;]*m", seen))
    assert "━" not in seen.split("\x1b[K")[-1]


def _bare(text: str) -> str:
    """Returns the text without its colours."""
    return re.sub(r"\x1b\[[\d;]*[mK]", "", text)


def test_quiet_shows_nothing(cli: Any, terminal: Any, backend: str) -> None:
    assert _run(cli, terminal, backend, "--quiet") == ""


def test_a_pipe_gets_no_progress(cli: Any) -> None:
    stderr = cli.map("job:nap", "d", env=COLOURED).stderr
    assert "\r" not in stderr
    assert "\x1b" not in stderr
    assert stderr.count("\n") == 1


def test_results_on_the_same_terminal_do_not_mix_with_the_line(cli: Any, terminal: Any) -> None:
    seen = _run(cli, terminal, stdout=terminal.slave, see=("ETA", 1))
    assert "ETA" in seen
    for result in re.findall(r"(?:^|[\r\n])([^\r\n]*x{1000})", seen):
        assert result == "x" * 1000


def test_the_progress_moves_while_one_item_takes_long(cli: Any, terminal: Any) -> None:
    cli.module("import os, time\ndef nap(text):\n    while not os.path.exists('go'): time.sleep(0.01)")
    child = cli.start(
        "job:nap", "d", "--jobs=2", "--backend=threads", "--glob=0[01].txt", stderr=terminal.slave
    )
    terminal.wait_for("0/2 files", 3)
    cli.file("go", "")
    assert child.wait(60) == 0
