"""`--resume`: a run that was stopped, by whatever, goes on."""

import json
import os
import signal
import time
from typing import Any

import pytest

# Says in a file of its own for each call what it was called with.
WORK = """
import os, time, uuid

def work(text):
    while os.path.exists("stop") and text.startswith("stop"):
        time.sleep(0.02)
    with open(f"called-{uuid.uuid4()}", "w") as file:
        file.write(text)
    if text.startswith("x") and not os.path.exists("healed"):
        raise ValueError(text)
    return text + "é"
"""


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(WORK)
    return cli


def calls(cli: Any) -> list[str]:
    """Returns what the function was called with since the last time."""
    found = []
    for path in cli.directory.glob("called-*"):
        found.append(path.read_text())
        path.unlink()
    return sorted(found)


def kill_once_done(cli: Any, count: int, *args: str) -> None:
    """Starts a run, and kills it and all of its workers when so many jobs are in its file."""
    child = cli.start("job:work", *args)
    journal = cli.directory / "run.resume"
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_bytes().count(b"\n") < count + 1:
        assert time.monotonic() < deadline
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait(60)


@pytest.mark.parametrize(("order", "output"), [("--ordered", ("--output=out.txt",)), ("--unordered", ())])
def test_a_run_that_was_killed_goes_on(cli: Any, backend: str, order: str, output: tuple[str, ...]) -> None:
    texts = [*(f"text {n}" for n in range(10)), "stop", *(f"more {n}" for n in range(10))]
    for n, text in enumerate(texts):
        cli.file(f"d/{n:02}.txt", text)
    cli.file("stop", "")
    arguments = ("d", backend, "--jobs=1", order, "--resume=run.resume", *output)
    kill_once_done(cli, 10 if order == "--ordered" else 5, *arguments)
    before = calls(cli)
    (cli.directory / "stop").unlink()
    assert not (cli.directory / "out.txt").exists()
    done = cli.map("job:work", *arguments)
    found = (cli.directory / "out.txt").read_text() if output else done.stdout
    assert sorted(found.splitlines()) == sorted(text + "é" for text in texts)
    if order == "--ordered":
        assert found.splitlines() == [text + "é" for text in texts]
    after = calls(cli)
    # What was being done when it was killed, and answers under way, are done again.
    assert len(before) + len(after) <= len(texts) + 5
    assert "interlane: 21 files" in done.stderr
    left = {path.name for path in cli.directory.iterdir()} - {"__pycache__", "out.txt"}
    assert left == {"d", "job.py"}


@pytest.mark.parametrize("by", ["line", "record", "block"])
def test_lines_records_and_blocks_go_on(cli: Any, by: str) -> None:
    lines = [f"{n}" if n != 700 else "stop" for n in range(1000)]
    cli.file("a.txt", "\n".join(lines) + "\n")
    cli.file("stop", "")
    arguments = ["a.txt", f"--by={by}", "--resume=run.resume", "--format=jsonl"]
    arguments += [r"--delimiter=\n"] if by == "record" else []
    # Each block begins with a line of its own: the one that stops is one.
    arguments += ["--block-size=1"] if by == "block" else []
    kill_once_done(cli, 5, *arguments, "--jobs=2")
    (cli.directory / "stop").unlink()
    before = calls(cli)
    # With other workers too, the pieces are the same.
    out = cli.map("job:work", *arguments, "--jobs=1").stdout
    assert [json.loads(line)["result"].strip("\né") for line in out.splitlines()] == lines
    assert len(calls(cli)) < len(lines)
    assert before


def test_compressed_files_go_on(cli: Any) -> None:
    import gzip

    lines = [f"{n}" if n != 700 else "stop" for n in range(1000)]
    cli.file("a.txt.gz", gzip.compress("\n".join(lines).encode()))
    cli.file("stop", "")
    arguments = ("a.txt.gz", "--by=line", "--resume=run.resume")
    kill_once_done(cli, 5, *arguments, "--jobs=2")
    (cli.directory / "stop").unlink()
    assert cli.lines("job:work", *arguments, "--jobs=1") == [f"{line}é" for line in lines]


def test_what_failed_is_tried_again(cli: Any, backend: str) -> None:
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate("1x2")]
    arguments = ("job:work", *names, backend, "-k", "--resume=run.resume", "-o", "out.txt")
    stderr = cli.map(*arguments, expect=1).stderr
    assert "run again with --resume 'run.resume' to try again what failed" in stderr
    assert (cli.directory / "out.txt").read_text() == "1é\n2é\n"
    assert calls(cli) == ["1", "2", "x"]
    cli.file("healed", "")
    cli.map(*arguments)
    assert (cli.directory / "out.txt").read_text() == "1é\nxé\n2é\n"
    assert calls(cli) == ["x"]
    assert not (cli.directory / "run.resume").exists()


def test_a_line_that_was_written_half_is_done_again(cli: Any) -> None:
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate("12x")]
    arguments = ("job:work", *names, "--backend=serial", "--resume=run.resume")
    cli.map(*arguments, expect=1)
    journal = cli.directory / "run.resume"
    assert journal.read_bytes().count(b"\n") == 3
    journal.write_bytes(journal.read_bytes()[:-3])
    cli.file("healed", "")
    calls(cli)
    assert cli.lines(*arguments) == ["1é", "2é", "xé"]
    assert calls(cli) == ["2", "x"]


def test_another_run_is_refused(cli: Any) -> None:
    cli.file("a.txt", "x")
    arguments = ("job:work", "a.txt", "--backend=serial", "--resume=run.resume")
    cli.map(*arguments, expect=1)
    cli.map(*arguments, "--jobs=2", expect=1)
    assert "its by was file, not line" in cli.map(*arguments, "--by=line", expect=2).stderr
    cli.file("a.txt", "xx")
    assert "the input files have changed" in cli.map(*arguments, expect=2).stderr
    cli.file("notes.txt", "my notes\n")
    notes = cli.map("job:work", "a.txt", "--resume=notes.txt", expect=2).stderr
    assert "'notes.txt' is not a file of --resume" in notes
    assert (cli.directory / "notes.txt").read_text() == "my notes\n"
    assert "cannot be read again" in cli.map("job:work", "-", "--resume=r", expect=2).stderr
    assert "cannot use 'nowhere/r'" in cli.map("job:work", "a.txt", "--resume=nowhere/r", expect=2).stderr


def test_two_runs_at_once_are_refused(cli: Any) -> None:
    cli.file("a.txt", "stop")
    cli.file("stop", "")
    arguments = ("job:work", "a.txt", "--resume=run.resume")
    child = cli.start(*arguments)
    deadline = time.monotonic() + 60
    journal = cli.directory / "run.resume"
    while not (journal.exists() and journal.stat().st_size):  # it is locked before anything is written
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "in use by another run" in cli.map(*arguments, expect=2).stderr
    (cli.directory / "stop").unlink()
    assert child.wait(60) == 0
