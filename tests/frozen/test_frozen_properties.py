"""Whatever plain data is frozen is equal to what it was, here and elsewhere, and is looked up as that is."""

from typing import Any

import interlane
import pytest
from interlane import freeze

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis cannot be had for this Python")
from hypothesis import given, settings, strategies as st  # noqa: E402

PROFILE = settings(max_examples=80)

CHARACTERS = st.characters(codec=None, categories=None)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-3, max_value=3),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.sampled_from([2**59, 2**59 - 1, -(2**59), -(2**59) - 1, 2**63, 2**63 - 1, -(2**63), 10**300]),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, 1.0, 2.0**53, 2.0**63, -(2.0**63), 2.0**64, 1e300]),
    st.complex_numbers(allow_nan=False),
    st.text(CHARACTERS, max_size=12),
    st.binary(max_size=12),
    st.just(...),
)
KEYS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.one_of(SCALARS, KEYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=5),
        st.sets(KEYS, max_size=5),
    ),
    max_leaves=20,
)
DICTS = st.dictionaries(KEYS, VALUES, max_size=12)


def kinds(value: Any) -> Any:
    """The classes of all that is in it, in order."""
    if isinstance(value, dict):
        return dict, [(kinds(key), kinds(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [kinds(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(str(kinds(item)) for item in value)
    return type(value), repr(value)


def through_a_channel(obj: object) -> Any:
    send, recv = interlane.create_channel()
    with send, recv:
        send.send(obj)
        return recv.recv()


@PROFILE
@given(VALUES)
def test_frozen_is_equal_to_plain(value: Any) -> None:
    frozen = freeze([value])
    assert frozen == [value]
    assert [value] == frozen
    assert frozen == freeze([value])
    assert kinds(frozen.thaw()) == kinds([value])
    assert kinds(through_a_channel({"in": frozen})["in"].thaw()) == kinds([value])
    assert kinds(freeze({"again": frozen}).thaw()) == kinds({"again": [value]})


@PROFILE
@given(VALUES, VALUES)
def test_two_are_equal_if_the_plain_ones_are(one: Any, other: Any) -> None:
    same = one == other
    assert (freeze([one]) == freeze([other])) == same
    assert (freeze([one]) == [other]) == same
    assert ([one] == freeze([other])) == same


@PROFILE
@given(DICTS, st.lists(KEYS, max_size=8))
def test_lookups_agree_with_those_of_a_dict(plain: dict[Any, Any], others: list[Any]) -> None:
    frozen = freeze(plain)
    for key in (*plain, *others):
        missing = object()
        assert (key in frozen) == (key in plain)
        got, expected = frozen.get(key, missing), plain.get(key, missing)
        assert got is expected or got == expected
        if isinstance(key, tuple | frozenset):
            assert (freeze(key) in frozen) == (key in plain)
    assert list(frozen) == list(plain)
    assert list(frozen.items()) == list(plain.items())
    assert list(frozen.values()) == list(plain.values())
    assert frozen.keys() == plain.keys()


@PROFILE
@given(st.sets(KEYS, max_size=8), st.sets(KEYS, max_size=8))
def test_sets_answer_as_plain_ones(one: set[Any], other: set[Any]) -> None:
    frozen = freeze(one)
    for right in (other, freeze(other)):
        assert frozen & right == one & other
        assert frozen | right == one | other
        assert frozen - right == one - other
        assert frozen ^ right == one ^ other
        assert (frozen == right) == (one == other)
        assert (frozen <= right) == (one <= other)
        assert (frozen > right) == (one > other)
        assert frozen.isdisjoint(right) == one.isdisjoint(other)
        assert frozen.issuperset(right) == one.issuperset(other)
    assert hash(frozen) == hash(frozenset(one))


@PROFILE
@given(st.lists(VALUES, max_size=8), st.slices(8), VALUES)
def test_sequences_answer_as_plain_ones(plain: list[Any], part: slice, value: Any) -> None:
    frozen, items = freeze(plain), freeze(tuple(plain))
    assert frozen[part] == plain[part]
    assert items[part] == tuple(plain)[part]
    for wanted in (*plain, value):
        assert (wanted in frozen) == (wanted in plain)
        assert frozen.count(wanted) == plain.count(wanted)
        if wanted in plain:
            assert frozen.index(wanted) == plain.index(wanted)
    assert list(reversed(frozen)) == plain[::-1]


@PROFILE
@given(KEYS)
def test_hashes_are_those_of_the_plain_ones(key: Any) -> None:
    assert hash(freeze((key,))) == hash((key,))
    assert {freeze((key,)): 1} == {(key,): 1}


# Sets are in an order of their own after thawing.
ORDERED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(SCALARS, inner, max_size=4),
    ),
    max_leaves=12,
)


@PROFILE
@given(ORDERED)
def test_the_repr_is_that_of_the_plain_one(value: Any) -> None:
    assert repr(freeze([value])) == f"FrozenList([{value!r}])"
