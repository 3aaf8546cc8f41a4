"""Standard input, pipes of the shell and compressed files."""

import bz2
import gzip
import lzma
import os
import random
import subprocess
import sys
from typing import Any

import pytest

from tests.cli.conftest import every_kind

SHOW = """
def show(x): return repr(x if isinstance(x, str) else bytes(x).decode())
def keep(x): return x
def size(x): return len(x)
def number(x): return int(x)
"""

PACKERS: dict[str, Any] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
if sys.version_info >= (3, 14):
    from compression import zstd

    PACKERS["zst"] = zstd.compress


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(SHOW)
    return cli


def feed(cli: Any, data: bytes, *args: object, expect: int = 0) -> str:
    """Runs `interlane map ARGS` with the data as standard input, through a pipe."""
    child = subprocess.run(
        [sys.executable, "-m", "interlane", "map", *map(str, args)],
        cwd=cli.directory,
        input=data,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert child.returncode == expect, child.stderr
    return child.stdout.decode() + (child.stderr.decode() if expect else "")


@every_kind
def test_standard_input_by_file_line_block_and_record(cli: Any, backend: str, kind: str) -> None:
    def found(data: bytes, *args: str) -> list[str]:
        return feed(cli, data, "job:show", "-", backend, "--as", kind, *args).splitlines()

    data = "eins\r\nzwei ä\n\ndrei".encode()
    assert found(data) == [repr(data.decode())]
    if kind != "str":
        return  # what follows is the same for all
    assert found(data, "--by=line") == ["'eins'", "'zwei ä'", "''", "'drei'"]
    assert found(data, "--by=block", "--block-size=7") == [r"'eins\r\nzwei ä\n'", r"'\ndrei'"]
    assert found(data, "--delimiter=i") == ["'e'", r"'ns\r\nzwe'", r"' ä\n\ndre'"]
    assert found(b"") == ["''"]
    assert found(b"", "--by=block") == ["''"]
    assert found(b"", "--by=line") == []


def test_much_standard_input_keeps_its_order_and_its_numbers(cli: Any, backend: str) -> None:
    lines = [f"{n} {'x' * (n % 97)}" for n in range(60_000)]
    out = feed(cli, "\n".join(lines).encode(), "job:keep", "-", backend, "--by=line", "--format=jsonl")
    expected = "".join(
        f'{{"file": "-", "line": {n}, "result": "{line}"}}\n' for n, line in enumerate(lines, 1)
    )
    assert out == expected


def test_failures_of_standard_input_have_lines(cli: Any, backend: str) -> None:
    assert "interlane: -:3: ValueError" in feed(
        cli, b"1\n2\nx\n", "job:number", "-", backend, "--by=line", expect=1
    )
    data = b"1\n" * 1000 + b"x\n"
    assert "interlane: -:1001: ValueError" in feed(
        cli, data, "job:number", "-", "-k", "--by=block", "--block-size=1", expect=1
    )
    data = b"1\n" * 1000 + b"\xff\n"
    assert "interlane: -:1001: not valid UTF-8: byte 0xff at offset 2000\n" in feed(
        cli, data, "job:size", "-", "-k", "--by=block", "--block-size=1500", expect=1
    )


def test_results_do_not_wait_for_input_that_comes_slowly(cli: Any, backend: str) -> None:
    child = cli.start("job:keep", "-", backend, "--by=line", stdin=subprocess.PIPE)
    for line in ("one\n", "two\n"):
        child.stdin.write(line)
        child.stdin.flush()
        assert child.stdout.readline() == line
    child.stdin.close()
    assert child.wait(60) == 0


def test_standard_input_goes_among_files(cli: Any) -> None:
    cli.file("a.txt", "a")
    cli.file("b.txt", "b")
    assert feed(cli, b"x", "job:keep", "a.txt", "-", "b.txt").split() == ["a", "x", "b"]
    assert "can be read once" in feed(cli, b"", "job:keep", "-", "-", expect=2)


def test_a_first_failure_does_not_wait_for_standard_input(cli: Any, backend: str) -> None:
    child = cli.start("job:number", "-", backend, "--by=line", stdin=subprocess.PIPE)
    child.stdin.write("1\nx\n")
    child.stdin.flush()
    assert child.wait(60) == 1
    assert child.stdout.read() == "1\n"
    assert "Fatal" not in child.stderr.read()


def test_ctrl_c_does_not_wait_for_standard_input(cli: Any, backend: str) -> None:
    child = cli.start("job:keep", "-", backend, "--by=line", stdin=subprocess.PIPE)
    child.stdin.write("one\n")
    child.stdin.flush()
    assert child.stdout.readline() == "one\n"
    os.killpg(child.pid, 2)
    assert child.wait(60) == 130
    assert child.stderr.read().startswith("interlane: interrupted: 1 line")


def test_a_pipe_of_the_shell_is_read(cli: Any) -> None:
    cli.file("a.txt", "1\n2\n")
    command = f"{sys.executable} -m interlane map job:number --by line -q <(cat a.txt a.txt)"
    done = subprocess.run(
        ["bash", "-c", command], cwd=cli.directory, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout == "1\n2\n1\n2\n", done.stderr


# Every kind of file in interpreters, and one in each of the other backends.
@pytest.mark.parametrize(
    ("backend", "packer"),
    [
        *(("interpreters", packer) for packer in PACKERS),
        *zip(("processes", "threads", "serial"), PACKERS, strict=False),
    ],
    indirect=["backend"],
)
def test_compressed_files_are_known_by_their_names(cli: Any, backend: str, packer: str) -> None:
    content = "".join(f"Zeile {n} für alle\n" for n in range(5_000))
    name = cli.file(f"a.txt.{packer}", PACKERS[packer](content.encode())).name
    plain = cli.file("b.txt", content).name
    for by in ("file", "line", "block", "record"):
        delimiter = ("--delimiter=ü",) if by == "record" else ()
        unpacked, expected = (
            cli.lines("job:show", path, backend, f"--by={by}", "--block-size=40K", "--jobs=2", *delimiter)
            for path in (name, plain)
        )
        assert unpacked == expected
    assert cli.lines("job:size", name, backend, "--no-decompress", "--as=bytes") == [
        str(len(PACKERS[packer](content.encode())))
    ]


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("by", ["file", "line"])
def test_a_broken_compressed_file_is_reported(cli: Any, packer: str, by: str) -> None:
    data = PACKERS[packer](random.Random(1).randbytes(5000).hex().encode())
    cli.file(f"cut.{packer}", data[: len(data) // 2])
    cli.file(f"no.{packer}", b"this is not compressed at all")
    done = cli.map(
        "job:size", f"cut.{packer}", f"no.{packer}", "--by", by, "-k", "--backend=serial", expect=1
    )
    assert f"interlane: cut.{packer}: cannot be decompressed: it is incomplete\n" in done.stderr
    assert f"interlane: no.{packer}: cannot be decompressed: " in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="has zstd")
def test_zstd_without_zstd_is_reported(cli: Any) -> None:
    cli.file("a.zst", b"")
    stderr = cli.map("job:size", "a.zst", expect=1).stderr
    assert "interlane: a.zst: cannot be decompressed: this Python has no zstd\n" in stderr
