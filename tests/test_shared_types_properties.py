"""Whatever is put in shared memory is equal to what it was made of, here and elsewhere."""

import re
from typing import Any

import interlane
import pytest
from interlane import SharedBytes, SharedStr

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis cannot be had for this Python")
from hypothesis import given, settings, strategies as st  # noqa: E402

PROFILE = settings(max_examples=60)
# A seed that is made long, so that pages come into it without large examples.
SEEDS = st.binary(min_size=1, max_size=40)
TIMES = st.sampled_from([1, 3, 2000, 5000])
EDGES = st.integers(min_value=-300_000, max_value=300_000)


def through_a_channel(obj: object) -> Any:
    send, recv = interlane.create_channel()
    send.send(obj)
    return recv.recv()


@PROFILE
@given(SEEDS, TIMES)
def test_bytes_arrive_equal(seed: bytes, times: int) -> None:
    data = seed * times
    before = interlane.stats().live
    shared = SharedBytes(data)
    got = through_a_channel({"k": [shared]})["k"][0]
    assert type(got) is SharedBytes
    assert got == shared == data
    assert hash(got) == hash(data)
    assert got.aliased == (len(data) >= 65536)
    assert interlane.stats().live <= before


@PROFILE
@given(
    SEEDS,
    TIMES,
    st.one_of(st.none(), EDGES),
    st.one_of(st.none(), EDGES),
    st.sampled_from([None, 1, 2, -1, -5]),
)
def test_slices_of_slices_are_what_bytes_gives(
    seed: bytes, times: int, start: int | None, stop: int | None, step: int | None
) -> None:
    data = seed * times
    one = slice(start, stop, step)
    assert SharedBytes(data)[one] == data[one]
    assert through_a_channel(SharedBytes(data)[one])[16:-3] == data[one][16:-3]


@PROFILE
@given(SEEDS, TIMES, SEEDS)
def test_methods_answer_as_those_of_bytes(seed: bytes, times: int, other: bytes) -> None:
    data = seed * times
    shared = SharedBytes(data)
    assert shared.find(other) == data.find(other)
    assert shared.count(other[:1]) == data.count(other[:1])
    assert shared.split(other) == data.split(other)
    assert shared.replace(other[:1], b"--") == data.replace(other[:1], b"--")
    assert (shared < other) == (data < other)
    assert (other in shared) == (other in data)
    assert re.split(re.escape(other), shared, maxsplit=3) == re.split(re.escape(other), data, maxsplit=3)
    assert shared.hex() == data.hex()


@PROFILE
@given(st.text(alphabet=st.characters(codec=None, categories=None), min_size=1, max_size=30), TIMES)
def test_text_arrives_equal(seed: str, times: int) -> None:
    text = seed * times
    before = interlane.stats().live
    got = through_a_channel([SharedStr(text)])[0]
    assert type(got) is SharedStr
    assert got == text
    assert hash(got) == hash(text)
    assert got.find(seed[-1:]) == text.find(seed[-1:])
    assert interlane.stats().live <= before
