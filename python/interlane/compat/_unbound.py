"""What becomes of an item whose interpreter has ended; common to queues and channels."""

from typing import Any, Final, Self, final

__all__ = ["UNBOUND_ERROR", "UNBOUND_REMOVE", "Lost", "UnboundItem", "meaning", "number"]


class UnboundItem:
    """Stands for an item whose interpreter has ended."""

    __slots__ = ("_name",)
    _name: str

    def __new__(cls) -> Self:
        raise TypeError("there is one of each kind: use UNBOUND")

    def __repr__(self) -> str:
        return self._name


def _unbound_item(name: str) -> UnboundItem:
    item = object.__new__(UnboundItem)
    item._name = name
    return item


@final
class _Constant:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


UNBOUND_ERROR: Final = _Constant("UNBOUND_ERROR")
UNBOUND_REMOVE: Final = _Constant("UNBOUND_REMOVE")
UNBOUND_IN_QUEUE: Final = _unbound_item("interlane.compat.queues.UNBOUND")
UNBOUND_IN_CHANNEL: Final = _unbound_item("interlane.compat.channels.UNBOUND")

# The extension knows these numbers, 1 above all.
_REMOVE, _ERROR, _REPLACE = 1, 2, 3
DEFAULT: Final = -1
CLOSED: Final = 4


@final
class Lost:
    """What the extension makes of an item that has lost its sender."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def number(unbounditems: Any, replacement: UnboundItem) -> int:
    """Returns the number of `UNBOUND`, `UNBOUND_ERROR` or `UNBOUND_REMOVE`."""
    for constant, value in ((replacement, _REPLACE), (UNBOUND_ERROR, _ERROR), (UNBOUND_REMOVE, _REMOVE)):
        if unbounditems is constant:
            return value
    raise NotImplementedError(f"unsupported unbound replacement op {unbounditems!r}")


def meaning(value: int, replacement: UnboundItem) -> Any:
    """Returns what `number` was asked for."""
    return {_REPLACE: replacement, _ERROR: UNBOUND_ERROR, _REMOVE: UNBOUND_REMOVE}[value]
