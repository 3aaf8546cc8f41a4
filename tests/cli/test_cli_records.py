"""`--by record`: what a delimiter or JSON separates."""

import json
import random
from typing import Any

import pytest

from tests.cli.conftest import every_kind

SHOW = """
def show(x): return repr(x if isinstance(x, str) else bytes(x).decode())
def keep(x): return x
def kind(x): return type(x).__name__
def raw(x: str): return repr(x)
def data(x: bytes): return repr(x)
def bad(x):
    if x == "x": raise ValueError(x)
    return x
"""


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.module(SHOW)
    return cli


@every_kind
def test_records_come_without_the_delimiter(cli: Any, backend: str, kind: str) -> None:
    cli.file("a.txt", "one\r\nmore==two====last\n")
    lines = cli.lines("job:show", "a.txt", backend, "--by=record", "--delimiter===", "--as", kind)
    assert lines == [r"'one\r\nmore'", "'two'", "''", r"'last\n'"]


@pytest.mark.parametrize(
    ("delimiter", "content", "records"),
    [
        (r"\n\n", "a\nb\n\nc\n\n", ["'a\\nb'", "'c'"]),
        (r"\0", "a\0b\0", ["'a'", "'b'"]),
        (r"\x1e", "a\x1eb", ["'a'", "'b'"]),
        (r"\\n", "a\\nb\nc", ["'a'", "'b\\nc'"]),
        ("ä", "1ä2ä3", ["'1'", "'2'", "'3'"]),
        (r"\n", "1\r\n2", ["'1'", "'2'"]),
    ],
)
def test_a_delimiter_may_have_escapes_and_implies_records(
    cli: Any, delimiter: str, content: str, records: list[str]
) -> None:
    cli.file("a.txt", content)
    assert cli.lines("job:show", "a.txt", "--backend=serial", f"--delimiter={delimiter}") == records


def test_records_are_the_same_however_they_are_cut(cli: Any) -> None:
    seeded = random.Random(7)
    content = "".join(seeded.choice(("\n", "\n\n", "a", "bcd" * 50)) for _ in range(40_000))
    cli.file("a.txt", content)
    expected = content.split("\n\n")
    if not expected[-1]:
        expected.pop()
    lines = cli.lines("job:keep", "a.txt", "--jobs=2", r"--delimiter=\n\n", "--format=jsonl")
    assert [json.loads(line) for line in lines] == [
        {"file": "a.txt", "record": number, "result": record} for number, record in enumerate(expected, 1)
    ]


def test_a_failing_record_is_reported_with_its_number(cli: Any, backend: str) -> None:
    cli.file("a.txt", "1;2;x;4")
    done = cli.map("job:bad", "a.txt", backend, "--delimiter=;", "-k", expect=1)
    assert done.stdout == "1\n2\n4\n"
    assert done.stderr.startswith("interlane: a.txt: record 3: ValueError: x\n")
    assert "interlane: 4 records, 7 B, 1 failed" in done.stderr
    assert cli.map("job:bad", "a.txt", backend, "--delimiter=;", expect=1).stdout == "1\n2\n"


def test_json_lines_are_parsed(cli: Any, backend: str) -> None:
    cli.file("a.jsonl", '{"a": 1}\n\n[2, "ä"]\n3\nnull')
    lines = cli.lines("job:keep", "a.jsonl", backend, "--by=record", "--json", "--format=jsonl")
    assert [json.loads(line) for line in lines] == [
        {"file": "a.jsonl", "line": 1, "result": {"a": 1}},
        {"file": "a.jsonl", "line": 3, "result": [2, "ä"]},
        {"file": "a.jsonl", "line": 4, "result": 3},
    ]
    assert cli.lines("job:kind", "a.jsonl", backend, "--json") == ["dict", "list", "int", "NoneType"]


def test_an_annotation_with_str_or_bytes_gets_the_text_of_json(cli: Any) -> None:
    cli.file("a.jsonl", '{"a": 1}\n[ 2]\n')
    cli.file("b.json", '[{"a": 1},\n [ 2]\n]\n')
    for name in ("a.jsonl", "b.json"):
        assert cli.lines("job:raw", name, "--json", "-j1") == ["'{\"a\": 1}'", "'[ 2]'"]
        assert cli.lines("job:data", name, "--json", "-j1") == ["b'{\"a\": 1}'", "b'[ 2]'"]
        assert cli.lines("job:kind", name, "--json", "--as=memoryview", "-j1") == ["memoryview"] * 2


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_its_elements(cli: Any, indent: int | None) -> None:
    seeded = random.Random(3)
    values = [
        {"n": n, "x": seeded.random(), "text": 'ä"\\[{,' * seeded.randrange(100), "deep": [[n], {}]}
        for n in range(3000)
    ]
    cli.file("a.json", json.dumps(values, indent=indent, ensure_ascii=False))
    lines = cli.lines("job:keep", "a.json", "--json", "--jobs=2", "--format=jsonl")
    found = [json.loads(line) for line in lines]
    assert [record["result"] for record in found] == values
    if indent:
        assert [record["line"] for record in found[:2]] == [2, 13]


def test_values_in_a_row_need_no_lines(cli: Any) -> None:
    values = [{"n": n, "of": {"many": [n] * 5}} for n in range(500)]
    cli.file("a.json", "".join(json.dumps(value, indent=1) for value in values))
    lines = cli.lines("job:keep", "a.json", "--json", "--jobs=2", "--format=jsonl")
    assert [json.loads(line)["result"] for line in lines] == values


def test_a_line_that_is_not_json_fails_alone(cli: Any, backend: str) -> None:
    cli.file("a.jsonl", b'1\n{"a": 2\n"\xff"\n4\n')
    done = cli.map("job:keep", "a.jsonl", backend, "--json", "-k", expect=1)
    assert done.stdout == "1\n4\n"
    assert "interlane: a.jsonl:2: not valid JSON: expecting ',' delimiter in column 8\n" in done.stderr
    assert "interlane: a.jsonl:3: not valid UTF-8: byte 0xff in column 2\n" in done.stderr


@pytest.mark.parametrize("content", ["[\n1,\n2", '[\n1,\n{"a" 2}\n]', '{\n"a": 1,\n"b": ['])
def test_an_array_that_is_broken_is_reported_with_its_line(cli: Any, content: str) -> None:
    cli.file("a.json", content)
    done = cli.map("job:keep", "a.json", "--json", "-k", expect=1)
    assert "interlane: a.json:3: not valid JSON: " in done.stderr


@pytest.mark.parametrize("content", ["", "\n \n", "[]", "[\n]\n"])
def test_no_values_are_no_records(cli: Any, content: str) -> None:
    cli.file("a.json", content)
    assert cli.lines("job:keep", "a.json", "--json", "--backend=serial") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by=record",), "--by record needs --delimiter TEXT or --json"),
        (("--by=line", "--json"), "--delimiter and --json are for --by record, not --by line"),
        (("--delimiter=,", "--json"), "not allowed with argument"),
        (("--delimiter=",), "a delimiter cannot be empty"),
        ((r"--delimiter=\q",), r"has an escape that is not known"),
    ],
)
def test_wrong_records_are_usage_errors(cli: Any, arguments: tuple[str, ...], message: str) -> None:
    cli.file("a.txt", "")
    assert message in cli.map("job:keep", "a.txt", *arguments, expect=2).stderr
