"""`SharedStr(text)`: a `str` of any width in memory that no interpreter owns."""

import copy
import gc
import json
import pickle
import re
from collections.abc import Iterator
from typing import Any

import interlane
import pytest
from interlane import SharedStr, interpreters

TEXTS = {
    "empty": "",
    "ascii": "plain text " * 1000,
    "latin-1": "größer " * 1000,
    "two bytes": "Ελληνικά " * 1000,
    "four bytes": "🎈 a 🎉 " * 1000,
    "surrogates": "a\ud800b\udfff" * 1000,
    "zeros": "a\0b" * 1000,
    "one": "x",
}


@pytest.fixture(params=TEXTS.values(), ids=TEXTS)
def text(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def worker() -> Iterator[Any]:
    worker = interpreters.create()
    yield worker
    worker.close()


def test_it_is_the_text(text: str) -> None:
    shared = SharedStr(text)
    assert type(shared) is SharedStr
    assert shared == text
    assert text == shared
    assert hash(shared) == hash(text)
    assert {shared: 1}[text] == 1
    assert len(shared) == len(text)
    assert shared.isascii() == text.isascii()
    assert shared[1:-1] == text[1:-1]
    assert shared + "!" == text + "!"
    assert shared.upper() == text.upper()
    assert re.findall(r"\w+", shared) == re.findall(r"\w+", text)
    assert json.loads(json.dumps(shared)) == text
    assert SharedStr(shared) == text
    assert copy.deepcopy(shared) == text
    assert pickle.loads(pickle.dumps(shared)) == text


def test_its_utf8_is_made_once_and_right(text: str) -> None:
    shared = SharedStr(text)
    for _ in range(2):
        assert shared.encode("utf-8", "surrogatepass") == text.encode("utf-8", "surrogatepass")
        if "\ud800" not in text:
            assert int(SharedStr("12")) == 12
            assert (shared + shared).encode() == text.encode() * 2


def test_str_makes_an_independent_copy(text: str) -> None:
    shared = SharedStr(text)
    independent = str(shared)
    assert type(independent) is str
    del shared
    gc.collect()
    assert independent == text


def test_it_arrives_as_itself_and_belongs_to_nobody(text: str, worker: Any) -> None:
    send, recv = interlane.create_channel()
    back_send, back_recv = interlane.create_channel()
    worker.prepare_main(recv=recv, back=back_send)
    created = interlane.stats().created
    send.send([SharedStr(text)])
    worker.exec(
        "import interlane; [text] = recv.recv(); assert type(text) is interlane.SharedStr; hash(text)\n"
        "back.send((hash(text) == hash(str(text)), text))"
    )
    same_hash, again = back_recv.recv(timeout=60)
    assert same_hash
    assert again == text
    assert type(again) is SharedStr
    assert interlane.stats().created == created


def test_it_survives_the_interpreter_that_made_it(text: str) -> None:
    send, recv = interlane.create_channel()
    maker = interpreters.create()
    maker.prepare_main(send=send)
    maker.exec(f"import interlane; send.send(interlane.SharedStr({text[:20]!r} * 50))")
    maker.close()
    assert recv.recv() == text[:20] * 50


def test_a_slice_is_a_str_that_pins_nothing() -> None:
    shared = SharedStr("12345" * 10_000)
    part = shared[3:7]
    assert type(part) is str
    assert int(part) == 4512


def test_only_text_is_taken() -> None:
    with pytest.raises(TypeError, match="text must be str, not bytes"):
        SharedStr(b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'object'"):
        SharedStr(object="x")  # type: ignore[call-arg]
