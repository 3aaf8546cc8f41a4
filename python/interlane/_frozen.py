"""Views of a FrozenDict: what `keys()`, `values()` and `items()` return. Loaded with the first of them."""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView

# Importing typing would take longer than all the rest: what these are views of is typed in the stub.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from interlane._core import FrozenDict


class FrozenKeys(KeysView[object]):
    """The keys, in their order: a set."""

    __slots__ = ()
    _mapping: "FrozenDict[object, object]"

    def __reversed__(self) -> Iterator[object]:
        return reversed(self._mapping)


class FrozenValues(ValuesView[object]):
    """The values, in the order of their keys."""

    __slots__ = ()
    _mapping: "FrozenDict[object, object]"

    def __iter__(self) -> Iterator[object]:
        return self._mapping._iterate(True, False)  # noqa: SLF001

    def __reversed__(self) -> Iterator[object]:
        return self._mapping._iterate(True, True)  # noqa: SLF001


class FrozenItems(ItemsView[object, object]):
    """The pairs of key and value, in their order: a set, of whose pairs the values may have no hash."""

    __slots__ = ()
    _mapping: "FrozenDict[object, object]"

    def __iter__(self) -> Iterator[tuple[object, object]]:
        return self._mapping._iterate(False, False)  # noqa: SLF001

    def __reversed__(self) -> Iterator[tuple[object, object]]:
        return self._mapping._iterate(False, True)  # noqa: SLF001
