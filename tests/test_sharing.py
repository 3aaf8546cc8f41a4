"""The sharing protocol: `share`, `Share`, `__share__`, the registry, tables, notification."""

import array
import fractions
import gc
import re
import sys
import sysconfig
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import interpreters


@pytest.fixture
def other() -> Iterator[Any]:
    """Another interpreter."""
    interp = interpreters.create()
    interp.exec("import interlane")
    yield interp
    interp.close()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def exchange(item: Any, **options: Any) -> Any:
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=60)
        return recv.recv(timeout=60)


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


# --- share and Share


def test_a_share_knows_its_owner_its_size_and_its_holders():
    data = bytearray(1000)
    with interlane.share(data) as share:
        assert share.owner == interpreters.get_current().id
        assert share.nbytes == 1000
        assert share.holders == 1
        assert share.get() is data
        assert not share.closed
    assert share.closed


def test_a_share_of_a_buffer_arrives_over_the_same_memory(other):
    data = bytearray(b"before")
    with interlane.share(data) as share:
        other.prepare_main(share=share)
        assert share.holders == 2
        other.exec("view = share.get(); assert bytes(view) == b'before', bytes(view); assert view.readonly")
        data[:] = b"behind"
        other.exec("assert bytes(view) == b'behind'")
        other.exec("import sys; assert share.owner == 0 and share.nbytes == 6")


def test_writable_lets_borrowers_write(other):
    data = bytearray(4)
    with interlane.share(data, writable=True) as share:
        other.prepare_main(share=share)
        other.exec("view = share.get(); view[2] = 7; view.release(); share.close()")
    assert data == b"\0\0\7\0"


def test_writable_needs_writable_memory():
    with pytest.raises(BufferError):
        interlane.share(memoryview(b"constant"), writable=True)


def test_the_object_itself_sends_the_share_that_exists(other):
    data = bytearray(b"x" * 100)
    send, recv = interlane.create_channel()
    with send, recv, interlane.share(data) as share:
        send.send(data)
        assert share.holders == 2
        other.prepare_main(recv=recv)
        other.exec("view = recv.recv(); assert len(view) == 100")
        assert share.holders == 2
        other.exec("del view; recv.close()")
        wait_until(lambda: share.holders == 1)


def test_a_shared_object_inside_a_container_adds_a_holder():
    data = bytearray(b"x" * 100)
    with interlane.share(data) as share:
        item = exchange({"data": [data, data]})
        assert share.holders == 1
        assert item["data"][0] is item["data"][1]
        assert item["data"][0] is data


@pytest.mark.parametrize("text", ["", "short", "x" * 100_000, "ж" * 50_000, "𐍈" * 30_000])
def test_a_share_of_text_has_one_area_whatever_its_size(other, text):
    with interlane.share(text) as share:
        (area,) = share.areas
        assert area.nbytes == share.nbytes
        assert area.readonly
        assert len(area) == len(text)
        other.prepare_main(share=share, text=text)
        other.exec("assert share.get() == text; assert isinstance(share.get(), str); share.close()")


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_a_share_of_bytes_has_one_area(other, size):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    with interlane.share(data) as share:
        (area,) = share.areas
        assert bytes(area) == data
        assert share.nbytes == size
        other.prepare_main(share=share, data=data)
        other.exec("assert share.get() == data and type(share.get()) is bytes")


@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="text is copied without a GIL")
def test_areas_keep_format_shape_and_strides():
    grid = memoryview(array.array("d", range(12))).cast("B").cast("d", (3, 4))
    with interlane.share([grid, "x" * 100_000, array.array("i", [1, 2])]) as share:
        first, second, third = share.areas
        assert (first.format, first.shape, first.strides) == ("d", (3, 4), (32, 8))
        assert second.nbytes == 100_000
        assert third.tolist() == [1, 2]
        assert share.nbytes == 96 + 100_000 + 8


def test_areas_are_released_together_after_the_last_user_of_any(other):
    released = []
    first, second = bytearray(100), bytearray(200)
    share = interlane.share([first, second], on_release=released.append)
    other.prepare_main(share=share)
    other.exec("_, view = share.get(); share.close()")
    share.close()
    time.sleep(0.05)
    interlane.collect()
    assert released == []
    with pytest.raises(BufferError):
        first.append(1)
    other.exec("del view, _")
    wait_until(lambda: released)
    assert released == [[first, second]]
    first.append(1)
    second.append(1)


def test_containers_are_shared_as_they_are_when_shared():
    items = [1, [2]]
    with interlane.share(items) as share:
        items.append(3)
        got = exchange({"share": share})["share"]
        assert got.get() is items  # in the owner: the object itself
        got.close()


def test_a_share_sends_as_a_share(other):
    send, recv = interlane.create_channel()
    with send, recv, interlane.share({"a": 1}) as share:
        other.prepare_main(recv=recv)
        send.send(share)
        send.send([share, share])
        other.exec("""
one = recv.recv()
two, three = recv.recv()
assert type(one) is interlane.Share and two is three and two is not one
assert one.get() == two.get() == {"a": 1}
assert one.id == two.id
one.close(), two.close()
""")


def test_a_closed_share_cannot_be_used():
    share = interlane.share([1])
    share.close()
    share.close()
    for use in (share.get, lambda: share.areas, lambda: share.holders, lambda: exchange(share)):
        with pytest.raises(interlane.ClosedError, match=f"share {share.id} is closed"):
            use()
    assert repr(share) == f"<Share {share.id} closed>"


def test_shares_can_be_weakly_referenced_and_subscripted():
    share = interlane.share([1])
    ref = weakref.ref(share)
    assert ref() is share
    del share
    assert ref() is None
    assert interlane.Share[list[int]].__args__ == (list[int],)


def test_a_share_cannot_be_made_by_hand_or_pickled():
    import pickle

    with pytest.raises(TypeError):
        interlane.Share()
    with interlane.share([1]) as share, pytest.raises(TypeError):
        pickle.dumps(share)


def test_repr_shows_state_and_never_contents():
    with interlane.share("secret" * 1000) as share:
        assert repr(share) == f"<Share {share.id} of str open, owner 0, 6000 bytes, 1 holders>"


# --- release and notification


def test_on_release_is_called_once_with_the_object():
    released = []
    data = bytearray(10)
    share = interlane.share(data, on_release=released.append)
    copies = [exchange(share) for _ in range(5)]
    share.close()
    assert released == []
    for copy in copies:
        copy.close()
    assert released == [data]
    assert released[0] is data
    interlane.collect()
    assert len(released) == 1


def test_on_release_is_called_without_any_call_of_the_owner(other):
    released = threading.Event()
    share = interlane.share(bytearray(10), on_release=lambda _: released.set())
    other.prepare_main(share=share)
    share.close()
    other.exec("share.close()")
    assert released.wait(60)


def test_what_on_release_raises_goes_to_the_unraisable_hook(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append((event.exc_type, event.object)))

    def broken(_: object) -> None:
        raise RuntimeError("from on_release")

    interlane.share([1], on_release=broken).close()
    assert seen == [(RuntimeError, broken)]


def test_on_release_may_share_send_close_and_drop():
    send, recv = interlane.create_channel()
    held = [interlane.share([n]) for n in range(3)]
    done = []

    def busy(obj: object) -> None:
        send.send(obj)
        done.append(interlane.share(obj))
        held.clear()
        send.close()
        interlane.collect()

    interlane.share([0], on_release=busy).close()
    assert list(recv) == [[0]]
    done.pop().close()
    wait_until(lambda: not [row for row in interlane.shares(0) if row.type == "list"])


def test_the_object_lives_as_long_as_its_share():
    class Original(list):
        pass

    original = Original([1, 2])
    ref = weakref.ref(original)
    interlane.register(Original, lambda obj: (list, (tuple(obj),)))
    try:
        share = interlane.share(original)
        del original
        gc.collect()
        assert ref() is not None
        share.close()
        gc.collect()
        assert ref() is None
    finally:
        interlane.unregister(Original)


@pytest.mark.parametrize("bad", [1, "text", object()])
def test_on_release_must_be_callable(bad):
    with pytest.raises(TypeError, match="on_release must be callable or None"):
        interlane.share([1], on_release=bad)


# --- __share__ and the registry


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


# --- is_shareable and explain


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


# --- tables


def test_shares_lists_what_is_shared_by_whom(other):
    data = bytearray(500)
    with interlane.share(data) as share:
        other.prepare_main(share=share)
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.owner == 0
        assert row.type == "bytearray"
        assert row.nbytes == 500
        assert row.holders == {0: 1, other.id: 1}
        assert row.in_transit == 0
        assert row.state == "live"
        assert 0 <= row.age < 60
        assert [r.id for r in interlane.shares(0)] == [r.id for r in interlane.shares(owner=0)]
        assert share.id not in [r.id for r in interlane.shares(other.id)]
        other.exec("copies = [share.get() for _ in range(3)]")
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.holders == {0: 1, other.id: 4}
        other.exec("del copies; share.close()")
        (row,) = [row for row in interlane.shares() if row.id == share.id]
        assert row.holders == {0: 1}


def test_what_lies_in_a_channel_is_in_transit():
    send, recv = interlane.create_channel()
    with send, recv, interlane.share([1]) as share:
        send.send(share)
        (row,) = [row for row in interlane.shares(0) if row.id == share.id]
        assert row.in_transit == 1
        assert share.holders == 2


def test_a_cycle_of_two_interpreters_shows_in_the_table_and_can_be_broken(other):
    holder = []
    ours = interlane.share(holder, on_release=lambda _: None)
    send, recv = interlane.create_channel()
    with send, recv:
        other.prepare_main(ours=ours, send=send)
        other.exec("theirs = interlane.share([ours]); send.send(theirs); theirs.close(); del theirs, ours")
        holder.append(recv.recv())
        other.exec("send.close(); del send")
    ours_id, theirs_id = ours.id, holder[0].id
    ours.close()
    rows = {row.id: row for row in interlane.shares() if row.id in (ours_id, theirs_id)}
    assert rows[ours_id].owner == 0
    assert rows[ours_id].in_transit == 1  # inside of theirs
    assert rows[theirs_id].owner == other.id
    assert rows[theirs_id].holders == {0: 1}
    holder.pop().close()
    wait_until(lambda: not {row.id for row in interlane.shares()} & {ours_id, theirs_id})


# --- waiting for borrowers


def test_wait_released_waits_for_other_interpreters(other):
    interlane.wait_released(timeout=60)
    share = interlane.share(bytearray(10))
    interlane.wait_released(timeout=60)  # what the owner holds itself does not count
    other.prepare_main(share=share)
    with pytest.raises(TimeoutError, match="others still hold shares of interpreter 0"):
        interlane.wait_released(timeout=0.05)
    thread = threading.Timer(0.2, other.exec, ("share.close()",))
    thread.start()
    start = time.monotonic()
    interlane.wait_released(timeout=100)
    assert time.monotonic() - start < 50  # not at its end
    thread.join()
    share.close()


def test_wait_released_waits_for_items_in_channels():
    send, recv = interlane.create_channel()
    with send, recv:
        send.send(bytearray(10))
        with pytest.raises(TimeoutError):
            interlane.wait_released(timeout=0)
        recv.recv()
        interlane.wait_released(timeout=60)


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


def test_a_share_of_an_object_that_is_shared_already_may_be_writable_or_not(other: Any) -> None:
    for first in (False, True):
        data = bytearray(b"data")
        with interlane.share(data, writable=first) as one, interlane.share(data, writable=not first) as two:
            for share, writable in ((one, first), (two, not first)):
                other.prepare_main(share=share, writable=writable)
                other.exec("assert share.get().readonly is not writable; share.close()")


def test_a_closed_share_is_not_entered() -> None:
    share = interlane.share([1])
    share.close()
    with pytest.raises(interlane.ClosedError), share:
        pass


def test_an_owner_that_is_none_has_no_shares() -> None:
    with interlane.share([1]):
        for owner in (-1, 2**80, -(2**80)):
            assert interlane.shares(owner) == []
