"""What becomes of what the function returns."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest


def test_a_result_per_file_is_printed_in_the_order_of_the_paths(cli: Any, backend: str) -> None:
    cli.module("def first(text): return text.split()[0]")
    names = [cli.file(f"{name}.txt", f"{name} rest").name for name in "cab"]
    assert cli.lines("job:first", *names, backend) == ["c", "a", "b"]


def test_none_prints_nothing(cli: Any, backend: str) -> None:
    cli.module("def odd(text): return int(text) if int(text) % 2 else None")
    names = [cli.file(f"{n}.txt", str(n)).name for n in range(6)]
    assert cli.lines("job:odd", *names, backend) == ["1", "3", "5"]
    assert len(cli.lines("job:odd", *names, backend, "--format=jsonl")) == 3


def test_a_generator_gives_several_results(cli: Any, backend: str) -> None:
    cli.module(
        "def words(text):\n    for word in text.split():\n        yield word if word != 'no' else None"
    )
    cli.file("a.txt", "one no two")
    cli.file("b.txt", "")
    cli.file("c.txt", "three")
    assert cli.lines("job:words", "a.txt", "b.txt", "c.txt", backend) == ["one", "two", "three"]


def test_an_iterator_gives_several_results_and_a_list_one(cli: Any) -> None:
    cli.module("def ints(text): return map(int, text.split())\ndef listed(text): return text.split()")
    cli.file("a.txt", "1 2")
    assert cli.lines("job:ints", "a.txt") == ["1", "2"]
    assert cli.lines("job:listed", "a.txt") == ["['1', '2']"]


def test_jsonl_has_the_file_and_the_result(cli: Any, backend: str) -> None:
    cli.module("def count(text): return {'words': len(text.split()), 'text': text}")
    cli.file("a.txt", "ein Bär")
    (line,) = cli.lines("job:count", "a.txt", backend, "--format", "jsonl")
    assert line == '{"file": "a.txt", "result": {"words": 2, "text": "ein Bär"}}'


def test_jsonl_has_the_line_too(cli: Any, backend: str) -> None:
    cli.module("def shout(line): return line.upper()")
    cli.file("a.txt", "x\ny\n")
    assert [
        json.loads(line) for line in cli.lines("job:shout", "a.txt", backend, "--by=line", "--format=jsonl")
    ] == [
        {"file": "a.txt", "line": 1, "result": "X"},
        {"file": "a.txt", "line": 2, "result": "Y"},
    ]


def test_jsonl_has_the_offset_of_a_block(cli: Any) -> None:
    cli.module("def size(text): return len(text)")
    cli.file("a.txt", "xx\nyy\nz")
    records = map(
        json.loads, cli.lines("job:size", "a.txt", "--by=block", "--block-size=2", "--format=jsonl")
    )
    assert [(record["offset"], record["result"]) for record in records] == [(0, 3), (3, 3), (6, 1)]


def test_jsonl_renders_with_str_what_json_does_not_know(cli: Any, backend: str) -> None:
    cli.module("import pathlib\ndef path(text): return [pathlib.PurePosixPath(text)]")
    cli.file("a.txt", "x/y")
    (line,) = cli.lines("job:path", "a.txt", backend, "--format=jsonl")
    assert json.loads(line)["result"] == ["x/y"]


def test_what_json_cannot_express_fails_the_item(cli: Any, backend: str) -> None:
    cli.module("def odd(text): return {(1, 2): 3}")
    cli.file("a.txt", "x")
    stderr = cli.map("job:odd", "a.txt", backend, "--format=jsonl", expect=1).stderr
    assert "interlane: a.txt: TypeError: keys must be" in stderr


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_surrogates_are_written_as_escapes(cli: Any, backend: str, form: str) -> None:
    cli.module(r"def odd(text): return 'a\udc80b'")
    cli.file("a.txt", "x")
    (line,) = cli.lines("job:odd", "a.txt", backend, f"--format={form}")
    assert line == r"a\udc80b" if form == "text" else json.loads(line)["result"] == "a\udc80b"


def test_results_stay_in_order_when_the_first_takes_longest(cli: Any, backend: str) -> None:
    cli.module("import time\ndef nap(text):\n    time.sleep(float(text))\n    return text")
    naps = ["0.5", *["0.001"] * 200, "0.002"]
    names = [cli.file(f"{n:03}.txt", nap).name for n, nap in enumerate(naps)]
    assert cli.lines("job:nap", *names, backend, "--jobs=2") == naps


def test_unordered_results_are_all_there(cli: Any, backend: str) -> None:
    # The first waits until another one is told, where there is somebody who does the others.
    cli.module(
        """
        import os, time
        def work(text):
            while text == "first" and not os.path.exists("told"):
                time.sleep(0.02)
            return text
        """
    )
    texts = ["lone" if backend == "--backend=serial" else "first", "a", "b", "c"]
    names = [cli.file(f"{n}.txt", text).name for n, text in enumerate(texts)]
    child = cli.start("job:work", *names, backend, "--jobs=2", "--unordered")
    one = child.stdout.readline()
    cli.file("told", "")
    # Not by `communicate`, which does not know of what `readline` has read ahead.
    others = child.stdout.read()
    assert child.wait(timeout=100) == 0
    assert sorted([one.strip(), *others.split()]) == sorted(texts)


def test_large_results_arrive_whole(cli: Any, backend: str) -> None:
    cli.module("def big(text): return text * 1_000_000")
    cli.file("a.txt", "äb")
    cli.file("b.txt", "c")
    assert cli.lines("job:big", "a.txt", "b.txt", backend) == ["äb" * 1_000_000, "c" * 1_000_000]


def test_the_output_file_gets_the_results(cli: Any, backend: str) -> None:
    cli.module("def shout(text): return text.upper()")
    cli.file("a.txt", "ä")
    done = cli.map("job:shout", "a.txt", backend, "--output", "out.txt")
    assert done.stdout == ""
    assert (cli.directory / "out.txt").read_text(encoding="utf-8") == "Ä\n"


def test_the_output_file_is_replaced_when_it_is_complete_and_not_before(cli: Any) -> None:
    cli.module("import pathlib\ndef peek(text): return pathlib.Path('out.txt').read_text()")
    cli.file("a.txt", "")
    output = cli.file("out.txt", "before")
    output.chmod(0o640)
    cli.map("job:peek", "a.txt", "--backend=serial", "-o", "out.txt")
    assert output.read_text() == "before\n"
    assert stat.S_IMODE(output.stat().st_mode) == 0o640


def test_the_output_file_is_left_alone_when_the_run_stops_at_a_failure(cli: Any, backend: str) -> None:
    cli.module("def number(text): return int(text)")
    cli.file("a.txt", "1")
    cli.file("b.txt", "x")
    output = cli.file("out.txt", "before")
    stderr = cli.map("job:number", "a.txt", "b.txt", backend, "-o", "out.txt", expect=1).stderr
    assert output.read_text() == "before"
    assert "'out.txt' was not written" in stderr
    assert sorted(path.name for path in cli.directory.iterdir() if path.suffix == ".part") == []
    cli.map("job:number", "a.txt", "b.txt", backend, "-o", "out.txt", "-k", expect=1)
    assert output.read_text() == "1\n"


def test_a_link_as_output_stays_a_link(cli: Any) -> None:
    cli.module("def shout(text): return text.upper()")
    cli.file("a.txt", "a")
    target = cli.file("there/out.txt", "before")
    (cli.directory / "out.txt").symlink_to(target)
    cli.map("job:shout", "a.txt", "--backend=serial", "-o", "out.txt")
    assert (cli.directory / "out.txt").is_symlink()
    assert target.read_text() == "A\n"


def test_a_device_as_output_is_written_to_and_not_replaced(cli: Any) -> None:
    cli.module("def shout(text): return text.upper()")
    cli.file("a.txt", "a")
    assert cli.map("job:shout", "a.txt", "--backend=serial", "-o", "/dev/stdout").stdout == "A\n"
    cli.map("job:shout", "a.txt", "--backend=serial", "-o", os.devnull)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("output", ["nowhere/out.txt", "."])
def test_an_output_that_cannot_be_written_is_a_usage_error(cli: Any, output: str) -> None:
    cli.module("def shout(text): return text.upper()")
    cli.file("a.txt", "a")
    assert "cannot write" in cli.map("job:shout", "a.txt", "-o", output, expect=2).stderr


def test_a_full_disk_is_said_and_fails(cli: Any) -> None:
    cli.module("def big(text): return text * 1_000_000")
    cli.file("a.txt", "a")
    done = cli.map("job:big", "a.txt", "--backend=serial", "-o", "/dev/full", expect=1)
    assert "cannot write '/dev/full': no space left on device" in done.stderr
