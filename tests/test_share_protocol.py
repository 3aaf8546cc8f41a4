"""How an object says how it is shared: `__share__`, the registry, and what is refused of their answers."""

import fractions
import gc
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interlane
import pytest

from tests.conftest import exchange, wait_until


class Thing:
    """Rebuilt from its parts."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __share__(self) -> Any:
        return (Thing, self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.parts == self.parts

    __hash__ = None


class Named(Thing):
    """Inherits how it is shared, and arrives as what its base says."""


class Foreign:
    """Knows nothing of sharing."""

    def __init__(self, text: str) -> None:
        self.text = text


class Odd:
    """Shares itself as a test says."""

    def __init__(self, how: Callable[["Odd"], Any]) -> None:
        self.how = how

    def __share__(self) -> Any:
        return self.how(self)


def test_dunder_share_rebuilds_in_the_borrower():
    assert exchange(Thing(1, "two", [3.0])) == Thing(1, "two", [3.0])


def test_subclasses_inherit_dunder_share():
    assert type(exchange(Named(1))) is Thing


def test_parts_may_be_large_and_shared(other):
    data = bytearray(b"z" * 100_000)
    send, recv = interlane.create_channel()
    with send, recv:
        other.prepare_main(recv=recv)
        send.send(Odd(lambda _: (memoryview, (data,))))
        other.exec(
            "view = recv.recv(); assert view[99_999] == ord('z') and view.readonly; del view; recv.close()"
        )
    wait_until(lambda: not data or try_append(data))


def try_append(data: bytearray) -> bool:
    try:
        data.append(0)
    except BufferError:
        return False
    return True


def test_one_object_met_twice_arrives_as_one_object():
    thing = Thing([1])
    first, second, inner = exchange([thing, thing, [thing]])
    assert first is second is inner[0]


def test_the_registry_follows_the_mro():
    class Derived(Foreign):
        pass

    with pytest.raises(interlane.NotShareableError):
        exchange(Derived("a"))
    interlane.register(Foreign, lambda obj: (Foreign, (obj.text,)))
    try:
        got = exchange({"x": Derived("a")})["x"]
        assert type(got) is Foreign
        assert got.text == "a"
    finally:
        interlane.unregister(Foreign)
    with pytest.raises(interlane.NotShareableError):
        exchange(Foreign("a"))


def test_the_nearest_class_of_the_mro_wins_and_registering_again_replaces():
    class Derived(Foreign):
        pass

    interlane.register(Foreign, lambda obj: (str, ("base",)))
    interlane.register(Derived, lambda obj: (str, ("old",)))
    interlane.register(Derived, lambda obj: (str, ("derived",)))
    try:
        assert exchange(Derived("a")) == "derived"
        assert exchange(Foreign("a")) == "base"
    finally:
        interlane.unregister(Foreign)
        interlane.unregister(Derived)


def test_dunder_share_goes_before_the_registry():
    interlane.register(Thing, lambda obj: (str, ("registered",)))
    try:
        assert exchange(Thing(1)) == Thing(1)
    finally:
        interlane.unregister(Thing)


def test_the_registry_is_of_one_interpreter(other):
    interlane.register(fractions.Fraction, lambda obj: (str, (str(obj),)))
    try:
        other.exec("""
import fractions
try:
    interlane.unregister(fractions.Fraction)
except KeyError:
    pass
else:
    raise AssertionError
""")
    finally:
        interlane.unregister(fractions.Fraction)


def test_registering_wants_a_class_and_a_callable():
    with pytest.raises(TypeError, match="cls must be a class, not int"):
        interlane.register(1, repr)
    with pytest.raises(TypeError, match="share_function must be callable, not str"):
        interlane.register(Foreign, "f")
    with pytest.raises(KeyError, match="not registered"):
        interlane.unregister(Foreign)


def test_an_exception_of_dunder_share_comes_through_and_says_where():
    def fail(_: Odd) -> Any:
        raise LookupError("mine")

    send, recv = interlane.create_channel()
    with send, recv:
        with pytest.raises(LookupError, match="mine") as caught:
            send.send([0, {"k": Odd(fail)}])
        assert "item[1]['k']" in caught.value.__notes__[0]
        assert "Odd" in caught.value.__notes__[0]
        assert len(recv) == 0


@pytest.mark.parametrize(
    "answer",
    [None, 1, (), (list,), (list, [1]), (list, (), 3), [list, ()], (1, ()), ("list", ()), (lambda: 1, ())],
    ids=lambda answer: re.sub(" at 0x.*?>", ">", repr(answer)),
)
def test_nonsense_from_dunder_share_is_refused(answer):
    with pytest.raises(interlane.NotShareableError, match=r"item\[0\]: __share__ of .*Odd"):
        exchange([Odd(lambda _: answer)])


def test_dunder_share_none_refuses():
    class Never(Thing):
        __share__ = None

    with pytest.raises(interlane.NotShareableError, match="refuses to be shared"):
        exchange(Never())


def test_an_object_that_shares_itself_is_refused():
    with pytest.raises(interlane.NotShareableError, match="part of itself"):
        exchange(Odd(lambda odd: (list, ([odd],))))


def test_parts_without_end_are_refused():
    def again(_: Odd) -> Any:
        return (list, (Odd(again),))

    with pytest.raises(interlane.NotShareableError, match="parts without end") as caught:
        exchange(Odd(again))
    assert len(str(caught.value)) < 1000


def test_a_refused_part_is_named_and_nothing_stays_behind():
    before = interlane.stats().live
    with (
        Path(__file__).open() as file,
        pytest.raises(interlane.NotShareableError, match=r"item\[1\].*\[1\]: _io.TextIOWrapper"),
    ):
        exchange([bytearray(100), Thing("x" * 100_000, file)])
    gc.collect()
    wait_until(lambda: interlane.stats().live <= before)


def test_a_borrower_that_cannot_import_names_module_function_and_owner(other, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(
        "class Local:\n    def __share__(self): return (make, (1,))\ndef make(n): return Local()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    send, recv = interlane.create_channel()
    with send, recv:
        other.prepare_main(recv=recv)
        send.send(only_here.Local())
        other.exec("""
import sys
sys.path[:] = [path for path in sys.path if "only_here" not in path]
try:
    recv.recv()
except ImportError as error:
    text = str(error)
    assert "only_here.make" in text and "interpreter 0" in text, text
    assert isinstance(error.__cause__, ModuleNotFoundError)
else:
    raise AssertionError
""")


def test_an_exception_of_rebuild_comes_through_with_a_note():
    with pytest.raises(ValueError, match="invalid literal") as caught:
        exchange(Odd(lambda _: (int, ("no number",))))
    assert "builtins.int" in caught.value.__notes__[0]


def test_is_shareable_and_explain_agree():
    for good in (1, "x", [1, {"a": (2, 3)}], bytearray(3), Thing(1)):
        assert interlane.is_shareable(good)
        assert interlane.explain(good) is None
    bad = [1, {"handle": sys.stdout}]
    assert not interlane.is_shareable(bad)
    reason = interlane.explain(bad)
    assert reason is not None
    assert reason.startswith("item[1]['handle']: ")


def test_is_shareable_leaves_nothing_behind():
    data = bytearray(10)
    assert interlane.is_shareable([data])
    data.append(1)


def test_the_first_error_of_all_may_be_raised_by_a_share_function(run_child: Any) -> None:
    run_child("""
import interlane

class Shy:
    def __share__(self):
        raise interlane.NotShareableError("not today")
    def __reduce__(self):
        return Shy, ()

send, recv = interlane.create_channel(fallback="pickle")
send.send(Shy())
assert type(recv.recv()) is Shy
assert not interlane.is_shareable(Shy())
""")
