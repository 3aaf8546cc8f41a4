"""What the function gets, and from where."""

import os
from typing import Any

import pytest

from tests.cli.conftest import every_kind


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("", "str"),
        (": str", "str"),
        (": bytes", "bytes"),
        (": memoryview", "memoryview"),
        (": 'bytes'", "bytes"),
        (": int", "str"),
        (": bytes | bytearray", "bytes"),
        (": Unknown", "str"),
    ],
)
def test_the_annotation_says_what_the_function_gets(cli: Any, annotation: str, kind: str) -> None:
    cli.module(f"from __future__ import annotations\ndef kind(x{annotation}): return type(x).__name__")
    cli.file("a.txt", "x")
    assert cli.lines("job:kind", "a.txt", "--backend=serial") == [kind]


def test_an_annotation_may_be_an_object(cli: Any) -> None:
    cli.module("def kind(x: bytes | bytearray): return type(x).__name__")
    cli.file("a.txt", "x")
    assert cli.lines("job:kind", "a.txt", "--backend=serial") == ["bytes"]


@every_kind
@pytest.mark.parametrize("by", ["file", "line", "block"])
def test_as_goes_before_the_annotation(cli: Any, backend: str, kind: str, by: str) -> None:
    cli.module(
        "def kind(x: int): return type(x).__name__, bytes(x, 'utf-8') if isinstance(x, str) else bytes(x)"
    )
    cli.file("a.txt", "grün")
    assert cli.lines("job:kind", "a.txt", backend, "--as", kind, "--by", by) == [str((kind, "grün".encode()))]


@every_kind
def test_an_empty_file_is_an_empty_argument(cli: Any, backend: str, kind: str) -> None:
    cli.module("def size(x): return type(x).__name__, len(x)")
    cli.file("a.txt", "")
    expected = [str((kind, 0))]
    assert cli.lines("job:size", "a.txt", backend, "--as", kind) == expected
    assert cli.lines("job:size", "a.txt", backend, "--as", kind, "--by=block") == expected
    assert cli.lines("job:size", "a.txt", backend, "--as", kind, "--by=line") == []


@every_kind
def test_large_files_arrive_whole(cli: Any, backend: str, kind: str) -> None:
    cli.module(
        """
        import hashlib
        def digest(x):
            return hashlib.sha256(x.encode() if isinstance(x, str) else x).hexdigest()
        """
    )
    content = "".join(f"Zeile {n} für alle\n" for n in range(150_000)).encode()
    cli.file("a.txt", content)
    import hashlib

    assert cli.lines("job:digest", "a.txt", backend, "--as", kind) == [hashlib.sha256(content).hexdigest()]


def test_a_memoryview_is_read_only_and_outlives_the_call(cli: Any, backend: str) -> None:
    cli.module(
        """
        kept = []
        def keep(x: memoryview):
            kept.append(x)
            return x.readonly, [bytes(k)[:2] for k in kept[:1]]
        """
    )
    cli.file("a.txt", "one")
    cli.file("b.txt", "two")
    assert cli.lines("job:keep", "a.txt", "b.txt", backend, "--jobs=1") == ["(True, [b'on'])"] * 2


@every_kind
def test_lines_come_without_their_ends(cli: Any, backend: str, kind: str) -> None:
    cli.module("def show(x): return repr(x if isinstance(x, str) else bytes(x).decode())")
    cli.file("a.txt", "one\n\ntwo\r\n\x0bthree\x85\rfour\nlast")
    lines = ["'one'", "''", "'two'", r"'\x0bthree\x85\rfour'", "'last'"]
    assert cli.lines("job:show", "a.txt", backend, "--as", kind, "--by=line") == lines


@every_kind
def test_many_lines_of_many_files_keep_their_numbers(cli: Any, backend: str, kind: str) -> None:
    cli.module("def show(x): return (x if isinstance(x, str) else bytes(x).decode())")
    for name in "ab":
        cli.file(f"{name}.txt", "".join(f"{name} {n}\n" for n in range(1, 20_001)))
    lines = cli.lines("job:show", "a.txt", "b.txt", backend, "--as", kind, "--by=line", "--format=jsonl")
    expected = [
        f'{{"file": "{name}.txt", "line": {n}, "result": "{name} {n}"}}'
        for name in "ab"
        for n in range(1, 20_001)
    ]
    assert lines == expected


@pytest.mark.parametrize("kind", ["str", "bytes", "memoryview"])
@pytest.mark.parametrize("size", ["1", "7", "10K", "1m"])
def test_blocks_end_at_line_ends_and_make_up_the_file(cli: Any, kind: str, size: str) -> None:
    cli.module(
        """
        import base64
        def show(x):
            return base64.b64encode(x.encode() if isinstance(x, str) else x).decode()
        """
    )
    content = "".join(f"{'ä' * (n % 50)}\n" for n in range(500)).encode() + b"\n\nno end"
    cli.file("a.txt", content)
    import base64

    lines = cli.lines(
        "job:show", "a.txt", "--backend=threads", "--as", kind, "--by=block", "--block-size", size
    )
    blocks = [base64.b64decode(line) for line in lines]
    assert b"".join(blocks) == content
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    least = {"1": 1, "7": 7, "10K": 10240, "1m": 1 << 20}[size]
    assert all(len(block) >= least for block in blocks[:-1])


def test_a_file_without_line_ends_is_one_block_and_one_line(cli: Any, backend: str) -> None:
    cli.module("def size(x): return len(x)")
    cli.file("a.txt", "x" * 300_000)
    assert cli.lines("job:size", "a.txt", backend, "--by=block", "--block-size=1000") == ["300000"]
    assert cli.lines("job:size", "a.txt", backend, "--by=line") == ["300000"]


def test_directories_are_walked_in_order(cli: Any, backend: str) -> None:
    cli.module("def show(text): return text")
    for name in ("d/b.txt", "d/a/z.txt", "d/a.txt", "d/.hidden/x", "d/c/empty/y"):
        cli.file(name, name)
    lines = cli.lines("job:show", "d", backend)
    assert lines == ["d/.hidden/x", "d/a/z.txt", "d/a.txt", "d/b.txt", "d/c/empty/y"]


def test_glob_says_which_files_of_a_directory_are_taken(cli: Any) -> None:
    cli.module("def show(text): return text")
    for name in ("d/a.txt", "d/a.log", "d/e/b.txt", "d/e/b.md", "other.md"):
        cli.file(name, name)

    def found(*args: str) -> list[str]:
        return cli.lines("job:show", "d", "--backend=serial", *args)

    assert found("--glob", "*.txt") == ["d/a.txt", "d/e/b.txt"]
    assert found("--glob", "*.md", "--glob", "a.*") == ["d/a.log", "d/a.txt", "d/e/b.md"]
    assert found("--glob", "e/*") == ["d/e/b.md", "d/e/b.txt"]
    # It is for directories: what is named is meant.
    assert found("--glob", "*.txt", "other.md") == ["d/a.txt", "d/e/b.txt", "other.md"]


def test_globs_are_expanded_in_order(cli: Any) -> None:
    cli.module("def show(text): return text")
    for name in ("d/b.txt", "d/a.txt", "d/e/c.txt", "d2/f.txt", "d/[x].txt", "d/x.txt"):
        cli.file(name, name)

    def found(*args: str) -> list[str]:
        return cli.lines("job:show", "--backend=serial", *args)

    assert found("d/?.txt") == ["d/a.txt", "d/b.txt", "d/x.txt"]
    assert found("d*") == ["d/[x].txt", "d/a.txt", "d/b.txt", "d/e/c.txt", "d/x.txt", "d2/f.txt"]
    assert found("d/**") == found("d")
    # A name that exists is a name.
    assert found("d/[x].txt") == ["d/[x].txt"]


def test_an_empty_directory_is_no_failure(cli: Any, backend: str) -> None:
    cli.module("def show(text): return text")
    (cli.directory / "d").mkdir()
    done = cli.map("job:show", "d", backend)
    assert done.stdout == ""
    assert "0 files" in done.stderr


def test_links_to_files_are_followed_and_links_to_directories_are_not(cli: Any) -> None:
    cli.module("def show(text): return text")
    target = cli.file("there/x.txt", "x")
    directory = cli.directory / "d"
    directory.mkdir()
    (directory / "file").symlink_to(target)
    (directory / "dangling").symlink_to("nowhere")
    (directory / "circle").symlink_to(directory)
    assert cli.lines("job:show", "d", "--backend=serial") == ["x"]


def test_the_output_file_is_no_input(cli: Any) -> None:
    cli.module("def show(text): return text")
    cli.file("d/a.txt", "a")
    for _ in range(2):
        cli.map("job:show", "d", "--backend=serial", "-o", "d/out.txt")
        assert (cli.directory / "d/out.txt").read_text() == "a\n"


@pytest.mark.skipif(os.sep != "/", reason="needs file names that are bytes")
def test_file_names_may_be_any_bytes(cli: Any, backend: str) -> None:
    cli.module("def number(text): return int(text)")
    for name, content in ((b"d/\xff", b"1"), ("d/ä b".encode(), b"2"), (b"d/new\nline", b"x")):
        cli.file(os.fsdecode(name), content)
    done = cli.map("job:number", "d", backend, "--format=jsonl", "-k", expect=1)
    assert done.stdout.splitlines() == [
        '{"file": "d/ä b", "result": 2}',
        r'{"file": "d/\udcff", "result": 1}',
    ]
    assert "new\nline: ValueError: invalid literal" in done.stderr
