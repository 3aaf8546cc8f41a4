"""`freeze`: what it takes, what it gives, and that this behaves as the plain data that it was made of."""

import builtins
import collections
import copy
import datetime as dt
import decimal
import enum
import fractions
import json
import pickle
import sys
from collections.abc import Collection, Mapping, MutableMapping, Sequence, Set as AbstractSet
from typing import Any, NamedTuple

import interlane
import pytest
from interlane import FrozenDict, FrozenList, FrozenSet, FrozenTuple, freeze

PLAIN = {
    "name": "Grüße, 世界 🎉",
    "numbers": [0, -1, 1 << 59, -(1 << 59) - 1, 1 << 63, -(1 << 63), 10**40, -(10**400), 1.5, -0.0, 2 + 3j],
    "nothing": [None, True, False, ..., "", b"", (), [], {}, set(), frozenset()],
    ("a", 1): {"deep": [{"deeper": ({"deepest": b"bytes"},)}]},
    frozenset({1, ("x", 2)}): {1, "a", b"a", (1, 2), frozenset({3})},
    1.5: "float",
    None: "none",
    b"key": "\ud800 alone",
}


def same(one: Any, other: Any) -> None:
    """Equal, and of the same classes all the way down."""
    assert one == other
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for (k1, v1), (k2, v2) in zip(one.items(), other.items(), strict=True):
            same(k1, k2)
            same(v1, v2)
    elif isinstance(one, list | tuple):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, float):
        assert one.hex() == other.hex()


# --- what freeze takes and gives


def test_frozen_data_is_equal_to_plain_data_and_thaws_to_it():
    frozen = freeze(PLAIN)
    assert type(frozen) is FrozenDict
    assert frozen == PLAIN
    assert PLAIN == frozen  # noqa: SIM300  # it is asked about here
    assert not frozen != PLAIN  # noqa: SIM202
    same(frozen.thaw(), PLAIN)


@pytest.mark.parametrize(
    ("plain", "cls"),
    [({}, FrozenDict), ([], FrozenList), ((), FrozenTuple), (set(), FrozenSet), (frozenset(), FrozenSet)],
)
def test_each_container_has_its_frozen_class(plain, cls):
    frozen = freeze(plain)
    assert type(frozen) is cls
    assert len(frozen) == 0
    assert not frozen
    assert frozen == plain
    same(frozen.thaw(), plain)


@pytest.mark.parametrize("scalar", [None, True, 5, 1 << 100, 1.5, 2j, "text", b"bytes", ...])
def test_what_has_no_parts_is_frozen_already(scalar):
    assert freeze(scalar) is scalar


def test_frozen_data_is_returned_as_it_is():
    frozen = freeze(PLAIN)
    assert freeze(frozen) is frozen
    part = frozen["numbers"]
    assert freeze(part) is part
    text = interlane.SharedStr("x")
    assert freeze(text) is text


def test_a_copy_is_made():
    plain = {"a": [1, 2]}
    frozen = freeze(plain)
    plain["a"].append(3)
    plain["b"] = 1
    assert frozen == {"a": [1, 2]}


def test_frozen_data_inside_of_plain_data_is_frozen_with_it():
    part = freeze(PLAIN)
    whole = freeze({"part": part, "set": freeze({1, 2}), "again": [part["numbers"]]})
    same(whole.thaw(), {"part": PLAIN, "set": {1, 2}, "again": [PLAIN["numbers"]]})


def test_frozen_sets_and_tuples_can_be_keys_and_thaw_to_what_can():
    key = freeze((1, (2, "x")))
    whole = freeze({key: 1, freeze({1, 2}): 2, freeze(({3},))[0]: 3})
    assert whole[1, (2, "x")] == 1
    assert whole[frozenset({1, 2})] == 2
    same(whole.thaw(), {(1, (2, "x")): 1, frozenset({1, 2}): 2, frozenset({3}): 3})


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "item",
    [
        object(),
        dt.date(2026, 1, 1),
        decimal.Decimal(1),
        fractions.Fraction(1, 2),
        bytearray(b"x"),
        range(3),
        NotImplemented,
        len,
        collections.OrderedDict(),
        collections.Counter(),
        Point(1, 2),
        Colour.RED,
    ],
    ids=lambda item: type(item).__name__,
)
def test_what_is_no_plain_data_is_refused_with_its_path(item):
    name = type(item).__qualname__
    with pytest.raises(interlane.NotShareableError, match=rf"item\['a'\]\[3\]: .*{name} is no plain data"):
        freeze({"a": [0, 1, 2, item]})
    with pytest.raises(TypeError, match=rf"item: .*{name} is no plain data"):
        freeze(item)
    if type(item).__hash__ is not None:
        with pytest.raises(interlane.NotShareableError, match=rf"item key .*{name} is no plain data"):
            freeze({item: 1})


def test_a_part_of_itself_is_refused_with_its_path():
    loop: list[Any] = [1]
    loop.append({"again": loop})
    with pytest.raises(ValueError, match=r"item\[1\]\['again'\]: list is a part of itself"):
        freeze(loop)
    loop.clear()


def test_what_is_met_twice_is_written_once_and_thaws_to_one_object():
    part = ["x" * 1000, list(range(100))]
    once = freeze([part]).nbytes
    frozen = freeze([part] * 1000)
    assert frozen.nbytes < once + 10_000
    thawed = frozen.thaw()
    assert thawed == [part] * 1000
    assert all(one is thawed[0] for one in thawed)


def test_a_tree_of_shared_parts_stays_small():
    part: Any = [1]
    for _ in range(200):
        part = [part, part]
    frozen = freeze(part)
    assert frozen.nbytes < 10_000
    again = freeze([frozen])
    assert again.nbytes < 10_000
    thawed = frozen.thaw()
    assert thawed[0] is thawed[1]


# --- FrozenDict


def test_a_frozen_dict_is_a_mapping():
    frozen = freeze({"a": 1, 2: [3]})
    assert isinstance(frozen, Mapping)
    assert not isinstance(frozen, MutableMapping)
    assert isinstance(frozen, Collection)
    assert issubclass(FrozenDict, Mapping)
    assert dict(frozen) == {"a": 1, 2: [3]}
    assert {**freeze({"a": 1})} == {"a": 1}


def test_lookups_agree_with_those_of_a_dict():
    plain = {"a": 1, 2: "two", None: 0, (1, (2, 3)): "tuple", frozenset({1}): "set", 1.5: "half", b"a": "b"}
    frozen = freeze(plain)
    for key in [
        *plain,
        2.0,
        2 + 0j,
        True,
        "b",
        "",
        3,
        (1, 2),
        frozenset(),
        -1,
        1e300,
        float("nan"),
        ...,
        "ä",
    ]:
        assert frozen.get(key, "missing") == plain.get(key, "missing"), key
        assert (key in frozen) == (key in plain), key
        if key not in plain:
            with pytest.raises(KeyError) as caught:
                frozen[key]
            assert caught.value.args == (key,) or key != key


@pytest.mark.parametrize("key", [[], {}, set(), bytearray(), ([],), (1, {"a": 1})], ids=str)
def test_what_has_no_hash_is_a_type_error_as_in_a_dict(key):
    frozen = freeze({"a": 1, 1: 2})
    look_for(frozen, key)
    if not isinstance(key, bytearray | set):
        look_for(frozen, freeze(key))


def look_for(frozen: Any, key: Any) -> None:
    for look in (lambda: frozen[key], lambda: key in frozen, lambda: frozen.get(key)):
        with pytest.raises(TypeError, match=r"unhashable|be a key"):
            look()


class Text(str):
    __slots__ = ()


class Stranger:
    """Equal to a string, and says so."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return self.text == other

    def __hash__(self) -> int:
        return hash(self.text)


class Raising:
    def __hash__(self) -> int:
        return hash("a")

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError


def test_keys_of_any_class_find_what_they_are_equal_to():
    plain = {"a": 0, 1: 1, (1, 2): 2, 0.5: 3, 10**30: 4, b"b": 5, (Text("x"), 1)[1:]: 6}
    frozen = freeze(plain)
    for key in (
        Text("a"),
        Stranger("a"),
        Colour.RED,
        Point(1, 2),
        decimal.Decimal("0.5"),
        decimal.Decimal(1),
        fractions.Fraction(1, 2),
        decimal.Decimal(10**30),
        (decimal.Decimal(1), 2),
        interlane.SharedStr("a"),
        interlane.SharedBytes(b"b"),
        freeze((1, 2)),
        (Point(1, 2), 3)[0],
        Stranger("none"),
        Text("none"),
        decimal.Decimal("0.25"),
        object(),
    ):
        assert frozen.get(key) == plain.get(key), key
    with pytest.raises(ZeroDivisionError):
        frozen[Raising()]


def test_views_of_a_frozen_dict_are_those_of_a_mapping():
    plain = {"a": 1, "b": 2, "c": 3}
    frozen = freeze(plain)
    assert list(frozen) == list(frozen.keys()) == ["a", "b", "c"]
    assert list(frozen.values()) == [1, 2, 3]
    assert list(frozen.items()) == [("a", 1), ("b", 2), ("c", 3)]
    assert list(reversed(frozen)) == list(reversed(frozen.keys())) == ["c", "b", "a"]
    assert list(reversed(frozen.values())) == [3, 2, 1]
    assert list(reversed(frozen.items())) == [("c", 3), ("b", 2), ("a", 1)]
    assert frozen.keys() == plain.keys()
    assert plain.keys() == frozen.keys()
    assert frozen.items() == plain.items()
    assert frozen.keys() & {"a", "x"} == {"a"}
    assert {"a", "x"} - frozen.keys() == {"x"}
    assert ("a", 1) in frozen.items()
    assert ("a", 2) not in frozen.items()
    assert "a" in frozen.keys()  # noqa: SIM118
    assert 3 in frozen.values()
    assert len(frozen.items()) == 3
    assert repr(frozen.keys()) == "FrozenKeys(FrozenDict({'a': 1, 'b': 2, 'c': 3}))"


def test_a_frozen_dict_is_equal_to_mappings_that_are_equal_to_dicts():
    frozen = freeze({"a": 1, "b": [2]})
    assert frozen == collections.OrderedDict(b=[2], a=1)
    assert frozen == collections.UserDict(a=1, b=[2])
    assert collections.ChainMap({"a": 1}, {"b": [2]}) == frozen
    assert frozen != {"a": 1}
    assert frozen != {"a": 1, "b": [3]}
    assert frozen != {"a": 1, "c": [2]}
    assert frozen != [("a", 1), ("b", [2])]
    assert frozen == freeze({"b": [2], "a": True})
    with pytest.raises(TypeError):
        hash(frozen)
    with pytest.raises(TypeError):
        frozen < frozen  # noqa: B015


@pytest.mark.skipif(sys.version_info < (3, 15), reason="frozendict came with 3.15")
def test_a_frozen_dict_is_equal_to_a_frozendict():
    frozendict = builtins.frozendict  # type: ignore[attr-defined]
    assert freeze({"a": 1, "b": [2]}) == frozendict(b=[2], a=1)
    assert frozendict(a=1) == freeze({"a": 1})
    assert freeze({"a": 1}) != frozendict(a=2)
    with pytest.raises(interlane.NotShareableError, match="frozendict is no plain data"):
        freeze(frozendict())


def test_nothing_can_be_changed():
    frozen = freeze({"a": [1]})
    with pytest.raises(TypeError):
        frozen["a"] = 1
    with pytest.raises(TypeError):
        del frozen["a"]
    with pytest.raises(TypeError):
        frozen["a"][0] = 1
    with pytest.raises(AttributeError):
        frozen.attribute = 1
    with pytest.raises(AttributeError):
        frozen["a"].append(1)
    with pytest.raises(TypeError):
        FrozenDict()
    with pytest.raises(TypeError):
        type("Sub", (FrozenDict,), {})


# --- FrozenList and FrozenTuple


@pytest.mark.parametrize("cls", [list, tuple])
def test_sequences_behave_as_their_plain_ones(cls):
    plain = cls(["a", 1, 2.5, None, "a", (1, 2), [3], 1 << 70])
    frozen = freeze(plain)
    assert isinstance(frozen, Sequence)
    assert len(frozen) == len(plain)
    assert [frozen[i] for i in range(-8, 8)] == [plain[i] for i in range(-8, 8)]
    for index in (8, -9, 1 << 70):
        with pytest.raises(IndexError):
            frozen[index]
    with pytest.raises(TypeError, match="indices must be integers or slices, not str"):
        frozen["a"]
    for part in (slice(1, 3), slice(None, None, -2), slice(-3, None), slice(5, 2), slice(None)):
        assert frozen[part] == plain[part]
        assert type(frozen[part]) is cls
    assert list(frozen) == list(plain)
    assert list(reversed(frozen)) == list(reversed(plain))
    assert [x in frozen for x in ("a", 1.0, True, [3], (1, 2), 4, [4])] == [True] * 5 + [False] * 2
    assert frozen.index("a") == 0
    assert frozen.index("a", 1) == 4
    assert frozen.index("a", -4) == 4
    assert frozen.index([3]) == 6
    assert frozen.count("a") == 2
    assert frozen.count(1.0) == 1
    with pytest.raises(ValueError, match="'b' is not in"):
        frozen.index("b")
    with pytest.raises(ValueError, match="'a' is not in"):
        frozen.index("a", 1, 4)
    first, *_, last = frozen
    assert (first, last) == ("a", 1 << 70)


def test_lists_and_tuples_are_different():
    assert freeze([1, 2]) == [1, 2]
    assert freeze((1, 2)) == (1, 2)
    assert freeze([1, 2]) != (1, 2)
    assert freeze((1, 2)) != [1, 2]
    assert freeze((1, 2)) != freeze([1, 2])
    assert freeze((1, 2)) == Point(1, 2)
    assert freeze([[1], (2,)]) == [[1], (2,)]
    assert freeze([[1], (2,)]) != [(1,), (2,)]
    assert freeze([1, 2]) != [1, 2, 3]
    assert [1, 3] != freeze([1, 2])  # noqa: SIM300


def test_a_tuple_has_the_hash_of_an_equal_one():
    plain = (1, "a", (2.5, frozenset({1, 2})), None)
    frozen = freeze(plain)
    assert hash(frozen) == hash(plain)
    assert {plain: 1}[frozen] == 1
    assert {frozen: 1}[plain] == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(freeze(([],)))
    with pytest.raises(TypeError, match="unhashable"):
        hash(freeze([]))


def test_an_iterator_tells_how_much_is_left():
    iterator = iter(freeze([1, 2, 3]))
    next(iterator)
    assert iterator.__length_hint__() == 2
    assert list(iterator) == [2, 3]
    assert list(iterator) == []


# --- FrozenSet


@pytest.mark.parametrize("cls", [set, frozenset])
def test_sets_behave_as_their_plain_ones(cls):
    plain = cls({1, "a", (1, 2), frozenset({5})})
    frozen = freeze(plain)
    assert isinstance(frozen, AbstractSet)
    assert frozen == plain
    assert plain == frozen
    assert frozen != plain | {9}
    assert set(frozen) == plain
    assert [x in frozen for x in (1.0, "a", (1, 2), frozenset({5}), {5}, {6}, 2)] == [True] * 5 + [False] * 2
    other = {1, "b", (1, 2)}
    for right in (other, frozenset(other), freeze(other)):
        assert frozen & right == plain & other
        assert frozen | right == plain | other
        assert frozen - right == plain - other
        assert frozen ^ right == plain ^ other
    assert other & frozen == other & plain
    assert other - frozen == {"b"}
    assert other | frozen == other | plain
    assert other ^ frozen == other ^ plain
    assert type(frozen & other) is frozenset
    assert type(other & frozen) is set
    assert frozen & {"a": 1}.keys() == {"a"}
    assert frozen <= plain
    assert frozen < plain | {9}
    assert not frozen < plain
    assert frozen >= {1}
    assert frozen > {1}
    assert {1} < frozen
    assert {1} <= frozen
    assert not {9} <= frozen
    assert frozen.isdisjoint([7, 8])
    assert not frozen.isdisjoint([7, "a"])
    assert frozen.issuperset(["a"])
    assert not frozen.issuperset(["b"])
    assert frozen.issubset([*plain, 9])
    assert frozen.union([9], [10]) == plain | {9, 10}
    assert frozen.intersection(["a", 9]) == {"a"}
    assert frozen.difference(["a"]) == plain - {"a"}
    assert frozen.symmetric_difference(["a", 9]) == plain ^ {"a", 9}
    assert hash(frozen) == hash(frozenset(plain))
    with pytest.raises(TypeError):
        frozen & [1]
    with pytest.raises(TypeError):
        frozen < [1]  # noqa: B015
    with pytest.raises(TypeError, match="unhashable"):
        [] in frozen  # noqa: B015


# --- all of them


def test_match_statements_take_frozen_data_apart():
    match freeze({"kind": "pair", "items": [1, (2, 3)], "rest": None}):
        case {"kind": "pair", "items": [one, (two, *more)], **rest}:
            assert (one, two, more, rest) == (1, 2, [3], {"rest": None})
        case _:
            pytest.fail("not matched")
    match freeze({1}):
        case []:
            pytest.fail("a set is no sequence")
        case {}:
            pytest.fail("a set is no mapping")


@pytest.mark.parametrize(
    ("plain", "text"),
    [
        ({"a": [1, (2,)], 3: {4}}, "FrozenDict({'a': [1, (2,)], 3: {4}})"),
        ([], "FrozenList([])"),
        (
            [None, 2.5, "x'y", b"z", 1 << 70, ...],
            "FrozenList([None, 2.5, \"x'y\", b'z', 1180591620717411303424, Ellipsis])",
        ),
        ((1,), "FrozenTuple((1,))"),
        ((), "FrozenTuple(())"),
        ({1}, "FrozenSet({1})"),
        (frozenset({1}), "FrozenSet({1})"),
        (set(), "FrozenSet()"),
        (
            [set(), frozenset(), frozenset({1}), {}, ()],
            "FrozenList([set(), frozenset(), frozenset({1}), {}, ()])",
        ),
        (["\ud800"], "FrozenList(['\\ud800'])"),
    ],
)
def test_the_repr_shows_what_is_inside(plain, text):
    assert repr(freeze(plain)) == text


def test_the_repr_of_something_huge_is_short():
    for huge in (
        list(range(1_000_000)),
        {"a": ["x" * 10_000_000]},
        {number: [number] for number in range(10_000)},
        [b"x" * 1_000_000],
        [1 << 1_000_000],
        [[[["ж" * 1_000_000]]]] * 5000,
    ):
        text = repr(freeze(huge))
        assert len(text) < 20_000
        assert "..." in text or "int of" in text
        assert text.endswith(")")


@pytest.mark.parametrize("plain", [PLAIN, [1, [2]], (1, [2]), {1, 2}, frozenset({1, 2})])
def test_pickles_are_of_plain_data_and_copies_the_same_object(plain):
    frozen = freeze(plain)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        same(pickle.loads(pickle.dumps(frozen, protocol)), plain)
    assert b"interlane" not in pickle.dumps(frozen)
    same(pickle.loads(pickle.dumps({"in": [frozen]})), {"in": [plain]})
    assert copy.copy(frozen) is frozen
    assert copy.deepcopy([frozen])[0] is frozen


def test_data_from_json_is_frozen_whole():
    records = json.loads(
        json.dumps([{"id": n, "name": f"name {n}", "tags": ["a", "b"]} for n in range(1000)])
    )
    frozen = freeze(records)
    assert frozen == records
    assert frozen[500]["tags"][1] == "b"
    assert json.dumps(frozen.thaw()) == json.dumps(records)


def test_large_text_and_bytes_come_out_without_a_copy():
    text, wide, data = "x" * 100_000, "世" * 100_000, bytes(range(256)) * 1000
    frozen = freeze({"text": text, "wide": wide, "data": data, "small": "y" * 100, "bytes": b"z" * 1000})
    assert type(frozen["text"]) is type(frozen["wide"]) is interlane.SharedStr
    assert (frozen["text"], frozen["wide"]) == (text, wide)
    assert type(frozen["small"]) is str
    assert isinstance(frozen["data"], bytes)
    assert frozen["data"] == data
    assert type(frozen["data"]) is interlane.SharedBytes
    assert type(frozen["bytes"]) is bytes
    same(frozen.thaw(), {"text": text, "wide": wide, "data": data, "small": "y" * 100, "bytes": b"z" * 1000})
    again = freeze([frozen, text])
    assert again[0] == frozen
    assert again[0]["data"] == data
    assert again[1] == text


def test_large_bytes_and_text_can_be_keys():
    data, text = b"k" * 100_000, "k" * 100_000
    frozen = freeze({data: 1, text: 2})
    assert frozen[data] == frozen[interlane.SharedBytes(data)] == 1
    assert frozen[text] == frozen[interlane.SharedStr(text)] == 2
    assert list(frozen) == [data, text]


def test_nan_is_found_in_no_place():
    nan = float("nan")
    frozen = freeze([nan])
    assert frozen[0] != frozen[0]
    assert nan not in frozen
    assert freeze({nan: 1}).get(nan) is None
    assert [key != key for key in freeze({nan: 1, float("nan"): 2})] == [True, True]


def test_numbers_keep_their_type_and_their_bits():
    for number in (True, 1, 1.0, 1 + 0j, -0.0, float("inf"), 5e-324, complex(-0.0, -0.0), 2**64, -(2**64)):
        (got,) = freeze([number])
        assert type(got) is type(number)
        assert repr(got) == repr(number)


def test_generic_aliases_are_there():
    assert FrozenDict[str, int].__origin__ is FrozenDict
    assert FrozenList[int].__args__ == (int,)


def test_many_keys_are_all_found():
    plain = {f"key {number}": number for number in range(100_000)}
    plain |= {number: str(number) for number in range(100_000)}
    plain |= {(number, str(number)): None for number in range(10_000)}
    frozen = freeze(plain)
    assert all(frozen[key] == value for key, value in plain.items())
    assert not any(-1 - number in frozen for number in range(1000))
    assert frozen == plain
