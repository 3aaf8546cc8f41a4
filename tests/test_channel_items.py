"""What goes through a channel: values that arrive equal, what is refused, what is pickled."""

from pathlib import Path
from typing import Any

import interlane
import pytest

from tests.conftest import exchange

DEPTH = 100_000
VALUES = [
    None,
    True,
    False,
    Ellipsis,
    NotImplemented,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    -(2**64),
    3**10_000,
    -(7**10_000),
    1.5,
    float("inf"),
    -0.0,
    2 - 3j,
    "",
    "ascii",
    "é",
    "€",
    "😀",
    "a\0b",
    "\ud800",
    b"",
    b"bytes\0more",
    (),
    [],
    {},
    set(),
    frozenset(),
    (1, "two", [3.0, {"four": {5, 6}}], frozenset({b"7"})),
    {1: "one", "two": 2, (3,): None},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_arrives_equal_and_of_the_same_type(value: Any) -> None:
    arrived = exchange(value)
    assert type(arrived) is type(value)
    assert arrived == value
    assert value.__class__ is not float or repr(arrived) == repr(value)


def test_nan_arrives_as_nan() -> None:
    arrived = exchange(float("nan"))
    assert arrived != arrived


def test_a_dict_keeps_its_order() -> None:
    assert list(exchange({"z": 1, "a": 2, "m": 3})) == ["z", "a", "m"]


def test_a_container_that_arrives_is_another_one() -> None:
    sent = [1, [2]]
    arrived = exchange(sent)
    arrived[1].append(3)
    assert sent == [1, [2]]


def test_one_object_met_twice_arrives_as_one_object() -> None:
    inner = ["shared"]
    arrived = exchange({"a": inner, "b": (inner, inner)})
    assert arrived == {"a": inner, "b": (inner, inner)}
    assert arrived["a"] is arrived["b"][0] is arrived["b"][1]


def test_a_list_that_contains_itself_arrives_as_one_that_contains_itself() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    arrived = exchange(loop)
    assert arrived[0] == 1
    assert arrived[1] is arrived


def test_a_cycle_through_a_dict_and_a_tuple_arrives_as_one() -> None:
    outer: dict[str, Any] = {}
    outer["pair"] = (1, [outer])
    arrived = exchange(outer)
    assert arrived["pair"][1][0] is arrived


def test_depth_is_limited_by_memory_only() -> None:
    nested: Any = "bottom"
    for _ in range(DEPTH):
        nested = [nested]
    arrived = exchange(nested)
    for _ in range(DEPTH):
        assert type(arrived) is list
        (arrived,) = arrived
    assert arrived == "bottom"


def test_deep_tuples_and_dicts_arrive() -> None:
    nested: Any = 0
    for _ in range(DEPTH // 2):
        nested = ({"k": nested},)
    arrived = exchange(nested)
    for _ in range(DEPTH // 2):
        arrived = arrived[0]["k"]
    assert arrived == 0


def test_the_message_names_the_part_that_cannot_be_shared(ends: Any, tmp_path: Path) -> None:
    send, recv = ends
    with (
        (tmp_path / "file").open("w", encoding="utf-8") as file,
        pytest.raises(
            interlane.NotShareableError, match=r"item\[3\]\['handle'\]: _io\.TextIOWrapper"
        ) as caught,
    ):
        send.send([0, 1, 2, {"handle": file}])
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    assert len(recv) == 0


def test_what_cannot_be_shared_is_named_at_the_top(ends: Any) -> None:
    with pytest.raises(interlane.NotShareableError, match="object"):
        ends[0].send(object())


def test_send_many_stops_at_what_cannot_be_shared(ends: Any) -> None:
    send, _ = ends
    with pytest.raises(interlane.NotShareableError):
        send.send_many([object()])


class Plain:
    """An object that only pickle knows how to send."""

    def __init__(self, value: object) -> None:
        self.value = value


def test_fallback_pickle_sends_what_has_no_other_way(run_child: Any) -> None:
    # pickle finds classes by name: a script's own are in `__main__`.
    run_child(
        """
        import interlane

        class Plain:
            pass

        plain = Plain()
        plain.value = [1, "two"]
        send, recv = interlane.create_channel(fallback="pickle")
        with send, recv:
            send.send({"plain": plain})
            arrived = recv.recv()["plain"]
            assert type(arrived) is Plain
            assert arrived.value == [1, "two"]
        """
    )


def test_without_a_fallback_nothing_is_pickled(ends: Any) -> None:
    with pytest.raises(interlane.NotShareableError, match="Plain"):
        ends[0].send(Plain(1))
