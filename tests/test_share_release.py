"""What was shared is released: `on_release`, and `wait_released` for who has to wait."""

import gc
import sys
import threading
import time
import weakref

import interlane
import pytest

from tests.conftest import exchange, wait_until


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
