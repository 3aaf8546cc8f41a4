"""What happens when an item fails, a file is not what it seemed, or a worker dies."""

import os
import re
from typing import Any

import pytest

from tests.cli.conftest import every_kind

NUMBER = """
def number(text):
    return convert(text)

def convert(text):
    return int(text)
"""


def test_a_failure_is_reported_with_file_and_remote_traceback(cli: Any, backend: str) -> None:
    cli.module(NUMBER)
    cli.file("a.txt", "x")
    stderr = cli.map("job:number", "a.txt", backend, expect=1).stderr
    assert stderr.startswith(
        "interlane: a.txt: ValueError: invalid literal for int() with base 10: 'x'\n    Traceback"
    )
    assert "job.py" in stderr
    assert ", in number\n" in stderr
    assert ", in convert\n" in stderr
    assert "interlane/cli" not in stderr


def test_the_first_failure_stops_the_run(cli: Any, backend: str) -> None:
    cli.module(NUMBER)
    contents = ["1", "2", "x", *map(str, range(3, 200)), "y"]
    names = [cli.file(f"{n:03}.txt", content).name for n, content in enumerate(contents)]
    done = cli.map("job:number", *names, backend, expect=1)
    assert done.stdout == "1\n2\n"
    assert done.stderr.count("ValueError: invalid literal for int() with base 10: 'x'\n    T") == 1
    assert "'y'" not in done.stderr
    assert "stopped at the first failure: 3 of 201 files" in done.stderr


def test_keep_going_goes_on(cli: Any, backend: str) -> None:
    cli.module(NUMBER)
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate("1x2y3")]
    done = cli.map("job:number", *names, backend, "--keep-going", expect=1)
    assert done.stdout == "1\n2\n3\n"
    assert "interlane: 5 files, 5 B, 2 failed in" in done.stderr


@every_kind
def test_a_failing_line_is_reported_with_its_number(cli: Any, backend: str, kind: str) -> None:
    cli.module("def number(x): return int(bytes(x) if isinstance(x, memoryview) else x)")
    cli.file("a.txt", "".join(f"{n}\n" if n % 1000 else "x\n" for n in range(1, 2501)))
    arguments = ("job:number", "a.txt", backend, "--by=line", "--as", kind)
    done = cli.map(*arguments, "-k", expect=1)
    assert done.stdout.count("\n") == 2498
    assert "interlane: a.txt:1000: ValueError" in done.stderr
    assert "interlane: a.txt:2000: ValueError" in done.stderr
    assert "interlane: 2500 lines, 11.4 kB, 2 failed" in done.stderr
    done = cli.map(*arguments, expect=1)
    assert done.stdout.splitlines() == [str(n) for n in range(1, 1000)]
    assert "a.txt:2000" not in done.stderr


def test_a_failing_block_is_reported_with_its_first_line(cli: Any, backend: str) -> None:
    cli.module("def check(text):\n    if 'x' in text: raise ValueError")
    cli.file("a.txt", "1\n2\n3\nx\n5\n")
    stderr = cli.map("job:check", "a.txt", backend, "--by=block", "--block-size=3", "-k", expect=1).stderr
    assert stderr.startswith("interlane: a.txt:3: ValueError\n")


def test_a_generator_that_fails_has_no_results(cli: Any, backend: str) -> None:
    cli.module("def two(text):\n    yield 1\n    raise ValueError(text)")
    cli.file("a.txt", "x")
    done = cli.map("job:two", "a.txt", backend, expect=1)
    assert done.stdout == ""
    assert "a.txt: ValueError: x" in done.stderr


def test_text_that_is_not_utf_8_is_reported_with_its_place(cli: Any, backend: str) -> None:
    cli.module("def size(text): return len(text)")
    cli.file("a.txt", b"one\ntwo\n\xff\n")
    cli.file("b.txt", b"fine")
    cli.file("c.txt", b"fine\n" * 400_000 + b"\xe4")
    done = cli.map("job:size", "a.txt", "b.txt", "c.txt", backend, "-k", expect=1)
    assert done.stdout == "4\n"
    assert "interlane: a.txt:3: not valid UTF-8: byte 0xff at offset 8\n" in done.stderr
    assert "interlane: c.txt:400001: not valid UTF-8: byte 0xe4 at offset 2000000\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "interlane: b.txt" not in done.stderr


def test_a_line_that_is_not_utf_8_fails_alone(cli: Any, backend: str) -> None:
    cli.module("def size(text): return len(text)")
    cli.file("a.txt", b"one\nab\xff\nthree\n")
    done = cli.map("job:size", "a.txt", backend, "--by=line", "-k", expect=1)
    assert done.stdout == "3\n5\n"
    assert "interlane: a.txt:2: not valid UTF-8: byte 0xff in column 3\n" in done.stderr


def test_a_block_that_is_not_utf_8_is_reported_with_its_line(cli: Any, backend: str) -> None:
    cli.module("def size(text): return len(text)")
    cli.file("a.txt", b"one\ntwo\nthree\n\xff\n")
    done = cli.map("job:size", "a.txt", backend, "--by=block", "--block-size=5", "-k", expect=1)
    assert done.stdout == "8\n6\n"
    assert "interlane: a.txt:4: not valid UTF-8: byte 0xff at offset 14\n" in done.stderr


def test_a_missing_file_is_reported_and_the_rest_goes_on(cli: Any, backend: str) -> None:
    cli.module("def show(text): return text")
    cli.file("b.txt", "b")
    done = cli.map("job:show", "a.txt", "b.txt", "c*.txt", backend, "-k", expect=1)
    assert done.stdout == "b\n"
    assert "interlane: a.txt: cannot be read: no such file or directory\n" in done.stderr
    assert "interlane: c*.txt: no such file\n" in done.stderr
    assert "3 files, 1 B, 2 failed" in done.stderr
    assert cli.map("job:show", "a.txt", "b.txt", backend, expect=1).stdout == ""


@pytest.mark.parametrize("by", ["file", "line", "block"])
def test_a_file_that_vanishes_half_way_is_reported(cli: Any, backend: str, by: str) -> None:
    cli.module(
        "import os\ndef show(text):\n    os.path.exists('z.txt') and os.unlink('z.txt')\n    return text"
    )
    names = [cli.file(f"{name}.txt", name).name for name in "abcdefz"]
    done = cli.map("job:show", *names, backend, "-k", "--jobs=1", "--by", by, expect=1)
    assert done.stdout == "a\nb\nc\nd\ne\nf\n"
    assert "interlane: z.txt: cannot be read: no such file or directory\n" in done.stderr


@pytest.mark.parametrize("kind", ["str", "memoryview"])
def test_a_file_that_becomes_shorter_is_reported(cli: Any, backend: str, kind: str) -> None:
    cli.module(
        """
        import os, time
        def show(x):
            time.sleep(0.1)
            os.truncate('a.txt', 3)
            return len(x)
        """
    )
    cli.file("a.txt", "12\n45\n78\n")
    arguments = ("--by=block", "--block-size=3", "--jobs=1", "--as", kind, "-k")
    done = cli.map("job:show", "a.txt", backend, *arguments, expect=1)
    assert done.stdout == "3\n"
    # Noticed by the worker, or before that by who cuts the file.
    message = "interlane: a.txt: has become shorter while it was read: 3 bytes where [69] were expected\n"
    assert re.search(message, done.stderr), done.stderr


def test_what_is_not_a_regular_file_is_reported(cli: Any) -> None:
    cli.module("def show(text): return text")
    os.mkfifo(cli.directory / "pipe")
    cli.file("a.txt", "a")
    done = cli.map("job:show", "pipe", "a.txt", "--backend=serial", "-k", expect=1)
    assert done.stdout == "a\n"
    assert "interlane: pipe: is not a regular file\n" in done.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_reported(cli: Any, backend: str) -> None:
    cli.module("def show(text): return text")
    cli.file("d/a.txt", "a").chmod(0)
    cli.file("d/b/x.txt", "x").parent.chmod(0)
    cli.file("d/c.txt", "c")
    try:
        done = cli.map("job:show", "d", backend, "-k", expect=1)
    finally:
        (cli.directory / "d/b").chmod(0o700)
    assert done.stdout == "c\n"
    assert "interlane: d/a.txt: cannot be read: permission denied\n" in done.stderr
    assert "interlane: d/b: cannot be read: permission denied\n" in done.stderr


def test_whatever_the_function_raises_fails_its_item_only(cli: Any, backend: str) -> None:
    errors = ("SystemExit(3)", "MemoryError", "RecursionError('deep')", "StopIteration")
    cli.module("def odd(text):\n    if 'E' in text or 'S' in text: raise eval(text)\n    return text")
    contents = [text for n, error in enumerate(errors) for text in (str(n), error)]
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate(contents)]
    done = cli.map("job:odd", *names, backend, "-k", expect=1)
    assert done.stdout == "0\n1\n2\n3\n"
    for n, error in enumerate(errors):
        assert f"interlane: {2 * n + 1}.txt: {error.partition('(')[0]}" in done.stderr


def test_an_exception_that_cannot_be_shown_is_reported_all_the_same(cli: Any, backend: str) -> None:
    cli.module(
        """
        class Odd(Exception):
            def __str__(self):
                raise ValueError("no")
        def odd(text):
            raise Odd
        """
    )
    cli.file("a.txt", "")
    stderr = cli.map("job:odd", "a.txt", backend, expect=1).stderr
    assert "interlane: a.txt: job.Odd: <exception str() failed>" in stderr


def test_a_result_that_cannot_be_printed_fails_its_item(cli: Any, backend: str) -> None:
    cli.module("class Odd:\n    def __str__(self): return 1 / 0\ndef odd(text): return Odd()")
    cli.file("a.txt", "")
    stderr = cli.map("job:odd", "a.txt", backend, expect=1).stderr
    assert "interlane: a.txt: ZeroDivisionError" in stderr
    assert ", in __str__" in stderr


@pytest.mark.parametrize("by", ["file", "line"])
@pytest.mark.parametrize("end", ["os._exit(7)", "os.kill(os.getpid(), 9)"])
def test_a_worker_process_that_dies_fails_its_item_only(cli: Any, by: str, end: str) -> None:
    cli.module(f"import os\ndef die(text):\n    if text == 'x': {end}\n    return text")
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate("1x2xx345")]
    arguments = ("job:die", *names, "--backend=processes", "--by", by)
    how = "exit code 7" if "exit" in end else "signal 9"
    done = cli.map(*arguments, "-k", expect=1)
    assert done.stdout == "1\n2\n3\n4\n5\n"
    failed = [line for line in done.stderr.splitlines() if "ended abruptly" in line]
    assert failed == [f"interlane: {n}.txt: the worker process ended abruptly, with {how}" for n in (1, 3, 4)]
    assert "Traceback" not in done.stderr
    assert cli.map(*arguments, expect=1).stdout == "1\n"


def test_worker_processes_that_die_before_they_begin_are_reported(cli: Any) -> None:
    cli.module(
        "import os, multiprocessing\nif multiprocessing.parent_process(): os._exit(3)\ndef f(x): return x"
    )
    names = [cli.file(f"{n}.txt", "").name for n in range(20)]
    stderr = cli.map("job:f", *names, "--backend=processes", expect=2).stderr
    assert "the workers cannot start" in stderr
    assert "a worker process ended while it started, with exit code 3" in stderr


def test_a_worker_interpreter_that_dies_is_reported(cli: Any) -> None:
    cli.module(
        """
        import interlane, sys
        def die(text):
            frame = sys._getframe()
            while frame := frame.f_back:
                for thing in frame.f_locals.values():
                    if isinstance(thing, interlane.RecvChannel):
                        thing.close()
            return text
        """
    )
    names = [cli.file(f"{n}.txt", str(n)).name for n in range(20)]
    stderr = cli.map("job:die", *names, "--backend=interpreters", "-k", "--jobs=1", expect=1).stderr
    assert "ClosedError" in stderr
    assert "interlane: stopped: " in stderr


def test_keyboard_interrupt_raised_by_the_function_is_no_ctrl_c(cli: Any, backend: str) -> None:
    cli.module("def odd(text):\n    if text == 'x': raise KeyboardInterrupt\n    return text")
    names = [cli.file(f"{n}.txt", content).name for n, content in enumerate("1x2")]
    if backend == "--backend=serial":
        # There it cannot be told from one.
        cli.map("job:odd", *names, backend, "-k", expect=130)
        return
    done = cli.map("job:odd", *names, backend, "-k", expect=1)
    assert done.stdout == "1\n2\n"
    assert "interlane: 1.txt: KeyboardInterrupt" in done.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_module_that_does_not_load_in_a_worker_is_reported(cli: Any, jobs: int) -> None:
    cli.module(
        """
        from interlane import interpreters
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError("module job does not support loading in subinterpreters")
        def show(text): return text
        """
    )
    cli.file("a.txt", "")
    cli.file("b.txt", "")
    done = cli.map("job:show", "a.txt", "b.txt", "--jobs", jobs, "--backend=interpreters", expect=2)
    assert (
        "the workers cannot start: it needs something that isolated interpreters cannot load" in done.stderr
    )
    assert "try --backend processes" in done.stderr
    assert done.stderr.count("ImportError: module job does not support loading in subinterpreters") == 1
    assert cli.map("job:show", "a.txt", "--backend=processes").stdout == "\n"


def test_a_module_that_does_not_load_in_a_worker_process_is_reported(cli: Any) -> None:
    cli.module(
        "import multiprocessing\nassert not multiprocessing.parent_process(), 'not here'\ndef f(x): return x"
    )
    cli.file("a.txt", "")
    stderr = cli.map("job:f", "a.txt", "--backend=processes", expect=2).stderr
    assert "the workers cannot start" in stderr
    assert "AssertionError: not here" in stderr


def test_a_reader_who_leaves_ends_the_run_without_a_traceback(cli: Any, backend: str) -> None:
    cli.module("def big(text): return text * 100_000")
    names = [cli.file(f"{n}.txt", "x").name for n in range(50)]
    child = cli.start("job:big", *names, backend)
    child.stdout.read(10)
    child.stdout.close()
    stderr = child.stderr.read()
    assert child.wait(60) == 1
    assert "Traceback" not in stderr
    assert "output closed" in stderr


def test_a_piece_that_cannot_be_had_stops_the_run_after_what_comes_before_it(cli: Any, backend: str) -> None:
    cli.module("import time\ndef nap(text):\n    time.sleep(0.05)\n    return text")
    names = [cli.file(f"{n}.txt", str(n)).name for n in range(6)]
    done = cli.map("job:nap", *names, "nothing.txt", "0.txt", backend, "--jobs=2", expect=1)
    assert done.stdout.split() == [str(n) for n in range(6)]
    assert "interlane: nothing.txt: cannot be read" in done.stderr
    assert "stopped at the first failure: 7 of 8 files" in done.stderr
