"""What type checkers see of frozen data. Checked by mypy, never run."""

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import assert_type

import interlane
from interlane import FrozenDict, FrozenList, FrozenSet, FrozenTuple


def each_container_has_its_frozen_class() -> None:
    assert_type(interlane.freeze({"a": 1}), FrozenDict[str, int])
    assert_type(interlane.freeze([1]), FrozenList[int])
    assert_type(interlane.freeze((1, 2)), FrozenTuple[int])
    assert_type(interlane.freeze({1}), FrozenSet[int])
    assert_type(interlane.freeze(frozenset({1})), FrozenSet[int])
    interlane.freeze(object())  # type: ignore[call-overload]


def scalars_and_frozen_data_are_what_they_were(frozen: FrozenDict[str, int], text: str, number: int) -> None:
    assert_type(interlane.freeze(frozen), FrozenDict[str, int])
    assert_type(interlane.freeze(text), str)
    assert_type(interlane.freeze(number), int)


def they_are_the_abstract_collections(
    mapping: FrozenDict[str, int], items: FrozenList[int], pair: FrozenTuple[int], keys: FrozenSet[int]
) -> tuple[Mapping[str, int], Sequence[int], Sequence[float], AbstractSet[int]]:
    assert_type(mapping["a"], int)
    assert_type(mapping.get("a"), int | None)
    assert_type(mapping.get("a", "b"), int | str)
    assert_type(mapping.thaw(), dict[str, int])
    assert_type(items[0], int)
    assert_type(items[1:], list[int])
    assert_type(pair[1:], tuple[int, ...])
    assert_type(keys & {1}, frozenset[int])
    assert_type(keys | {"a"}, frozenset[int | str])
    return mapping, items, pair, keys
