"""`reading()` and `writing()`: many or one, across threads and interpreters."""

import array
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import interlane
import pytest
from interlane import BufferBusyError, SharedBuffer, interpreters


@pytest.fixture
def worker() -> Iterator[Any]:
    worker = interpreters.create()
    yield worker
    worker.close()


def in_thread(function: Callable[[], object]) -> Any:
    """Runs it in another thread, to its end."""
    result: list[object] = []

    def run() -> None:
        try:
            result.append(function())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return result[0]


def guards_of(kind: str = "SharedBuffer") -> list[Any]:
    return [it for it in interlane.inspect().locks if it.kind == kind]


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def enter(guard: Any) -> Any:
    def run() -> Any:
        with guard as view:
            return view.nbytes

    return run


def test_many_read_and_one_writes() -> None:
    buf = SharedBuffer(8)
    with buf.reading() as one, buf.reading() as two:
        assert in_thread(enter(buf.reading(timeout=0))) == 8
        assert isinstance(in_thread(enter(buf.writing(timeout=0))), BufferBusyError)
        assert one.readonly
        assert two.readonly
        with pytest.raises(TypeError, match="read-only"):
            one[0] = 1
    with buf.writing() as view:
        view[0] = 5
        view[1:3] = b"ab"
        assert not view.readonly
        for guard in (buf.reading, buf.writing):
            error = in_thread(enter(guard(timeout=0.01)))
            assert isinstance(error, BufferBusyError)
            assert "in interpreter 0, by thread" in str(error)
    assert buf.tobytes() == b"\5ab" + bytes(5)
    assert in_thread(enter(buf.writing(timeout=0))) == 8


def test_the_error_is_what_one_would_catch() -> None:
    assert issubclass(BufferBusyError, TimeoutError)
    assert issubclass(BufferBusyError, BufferError)
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            SharedBuffer(1).reading(timeout=timeout)
    with pytest.raises(TypeError):
        SharedBuffer(1).writing("soon")  # type: ignore[arg-type]


def test_all_handles_on_the_same_memory_are_guarded_together(worker: Any) -> None:
    buf = SharedBuffer((4, 4), "i")
    send, recv = interlane.create_channel()
    send.send(buf[2])
    others = [buf[1:], buf.cast("B"), buf.reshape(16), recv.recv()]
    worker.prepare_main(buf=buf)
    with buf[0].writing():
        for other in others:
            assert isinstance(in_thread(enter(other.reading(timeout=0))), BufferBusyError)
        worker.exec("""if True:
            import interlane
            for guard in (buf.reading(timeout=0), buf.writing(timeout=0.01)):
                try:
                    guard.__enter__()
                except interlane.BufferBusyError:
                    pass
                else:
                    raise AssertionError
        """)
    worker.exec("guard = buf.reading(timeout=0); view = guard.__enter__(); assert view.shape == (4, 4)")
    error = in_thread(enter(buf.writing(timeout=0)))
    assert isinstance(error, BufferBusyError)
    assert "1 readers" in str(error)
    with pytest.raises(BufferBusyError, match="this thread itself"):  # which ran the other interpreter
        buf.writing().__enter__()
    worker.exec("guard.__exit__(None, None, None); del guard, view")
    with buf.writing(timeout=0):
        pass


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_a_view_ends_with_its_guard_and_so_does_what_was_made_of_it(mode: str) -> None:
    buf = SharedBuffer((2, 4), "h")
    with getattr(buf, mode)() as view:
        parts = [view, view[1], view[:, ::2], view.cast("B"), view.reshape(8), view.toreadonly()]
        assert view[1].tolist() == [0] * 4
        assert memoryview(view).nbytes == 16
    for part in parts:
        for access in (
            lambda part: part[0],
            lambda part: part.__setitem__(..., part),
            lambda part: part.shape,
            lambda part: part.nbytes,
            len,
            bytes,
            memoryview,
            list,
            lambda part: part.tobytes(),
            lambda part: part.tolist(),
            lambda part: part.cast("B"),
            lambda part: part.toreadonly(),
            lambda part: part.reading(),
            lambda part: part.freeze(),
            SharedBuffer.copy_of,
        ):
            with pytest.raises((ValueError, TypeError), match=r"guard of this view has ended|read-only"):
                access(part)
        with pytest.raises(ValueError, match="ended"):
            part.tobytes()
        assert "ended" in repr(part)
    assert buf.tobytes() == bytes(16)


def test_the_memory_stays_guarded_as_long_as_somebody_has_an_export_of_the_view() -> None:
    buf = SharedBuffer(8)
    guard = buf.writing()
    view = guard.__enter__()
    export = memoryview(view)[2:]
    with pytest.raises(BufferError, match="still exported, 1 times"):
        guard.__exit__(None, None, None)
    with pytest.raises(ValueError, match="ended"):
        view[0]
    export[0] = 7
    assert isinstance(in_thread(enter(buf.reading(timeout=0))), BufferBusyError)
    del export
    assert in_thread(enter(buf.reading(timeout=0))) == 8
    assert buf[2] == 7


def test_an_exception_on_its_way_is_not_hidden_by_an_export() -> None:
    buf = SharedBuffer(8)
    exports = []

    def fail() -> None:
        with buf.writing() as view:
            exports.append(memoryview(view))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert isinstance(in_thread(enter(buf.writing(timeout=0))), BufferBusyError)
    exports.pop().release()
    assert in_thread(enter(buf.writing(timeout=0))) == 8


def test_a_guard_that_is_dropped_ends() -> None:
    buf = SharedBuffer(8)
    buf.writing().__enter__()
    gc.collect()
    with buf.writing(timeout=0):
        pass


def test_a_guard_is_entered_once_at_a_time_and_again_later() -> None:
    buf = SharedBuffer(8)
    guard = buf.reading()
    with pytest.raises(RuntimeError, match="not entered"):
        guard.__exit__(None, None, None)
    for _ in range(2):
        with guard, pytest.raises(RuntimeError, match="entered already"):
            guard.__enter__()
    with buf.writing(timeout=0):
        pass


def test_a_thread_is_told_when_it_would_wait_for_itself() -> None:
    buf = SharedBuffer(8)
    with buf.writing():
        for guard in (buf.writing(), buf.reading()):
            with pytest.raises(BufferBusyError, match="this thread itself"):
                guard.__enter__()
    with buf.reading():
        with pytest.raises(BufferBusyError, match="this thread itself"):
            buf.writing().__enter__()
        waiting = threading.Thread(target=enter(buf.writing(timeout=100)))
        waiting.start()
        until(lambda: [it for it in guards_of() if it.waiting])
        with buf.reading():  # although a writer waits, which waits for this very thread
            pass
    waiting.join()


def test_a_timeout_is_waited_for_even_if_it_is_for_itself() -> None:
    buf = SharedBuffer(8)
    with buf.reading():
        start = time.monotonic()
        with pytest.raises(BufferBusyError, match="1 readers"), buf.writing(timeout=0.1):
            raise AssertionError
        assert time.monotonic() - start > 0.099


def test_readers_that_keep_coming_do_not_starve_a_writer() -> None:
    buf = SharedBuffer(8)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with buf.reading():
                time.sleep(0.001)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            with buf.writing(timeout=50):
                pass
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_a_waiting_guard_is_seen_and_gets_its_turn() -> None:
    buf = SharedBuffer(8)
    with buf.writing():
        thread = threading.Thread(target=enter(buf.reading()))
        thread.start()
        until(lambda: [it for it in guards_of() if it.waits])
        [row] = [it for it in guards_of() if it.waits]
        assert (row.state, row.holder) == ("writing", (0, threading.get_ident()))
        assert row.waits[0].thread == thread.ident
    thread.join(60)
    assert not thread.is_alive()


def test_read_only_memory_cannot_be_written_in_a_guard_either() -> None:
    buf = SharedBuffer(8).toreadonly()
    with pytest.raises(TypeError, match="read-only"):
        buf.writing()
    with buf.reading() as view:
        assert view.tobytes() == bytes(8)


def test_a_view_is_not_sent_but_its_memory_may_be_lent() -> None:
    buf = SharedBuffer(8)
    send, recv = interlane.create_channel()
    with buf.reading() as view:
        for item in (view, [view[1:]]):
            with pytest.raises(interlane.NotShareableError, match="ends with it"):
                send.send(item)
    guard = buf.writing()
    view = guard.__enter__()
    send.send(memoryview(view))
    lent = recv.recv()
    with pytest.raises(BufferError):
        guard.__exit__(None, None, None)
    assert isinstance(in_thread(enter(buf.reading(timeout=0))), BufferBusyError)
    assert lent.tobytes() == bytes(8)
    del lent
    interlane.collect()
    assert in_thread(enter(buf.reading(timeout=50))) == 8
    assert interlane.stats().live == 1


def test_numpy_writes_in_a_guard() -> None:
    np = pytest.importorskip("numpy")
    buf = SharedBuffer(8, "i")

    def fill() -> None:
        with buf.writing() as view:
            np.asarray(view)[:] = np.arange(8)

    fill()
    with buf.reading() as view:
        assert np.asarray(view).sum() == 28
    with buf.writing(timeout=0):
        pass


def test_interpreters_exclude_each_other() -> None:
    buf = SharedBuffer(1, "q")
    workers = [interpreters.create() for _ in range(3)]
    for worker in workers:
        worker.prepare_main(buf=buf)
    code = """if True:
        for _ in range(300):
            with buf.writing() as view:
                view[0] += 1
            with buf.reading() as view:
                assert view[0] > 0
    """
    threads = [threading.Thread(target=worker.exec, args=(code,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.close()
    assert buf[0] == 900


def test_the_end_of_an_interpreter_ends_its_guards(run_child: Any) -> None:
    out = run_child("""
        import interlane, threading, sys
        from interlane import SharedBuffer, interpreters

        buf = SharedBuffer(8)
        for mode in ("writing", "reading"):
            worker = interpreters.create()
            worker.prepare_main(buf=buf)
            # Kept by what is not taken apart before the interpreter's very end.
            worker.exec(f"import sys; sys.guard = buf.{mode}(); sys.view = sys.guard.__enter__()")
            waiting = threading.Thread(target=buf.writing().__enter__)
            waiting.start()
            worker.close()
            waiting.join()
        print("free", buf.tobytes() == bytes(8))
    """)
    assert out.strip() == "free True"


def test_waits_that_nobody_can_end_are_ended_with_the_process(run_child: Any) -> None:
    out = run_child("""
        import interlane, threading
        from interlane import SharedBuffer

        buf = SharedBuffer(8)
        guard = buf.writing()
        view = guard.__enter__()

        def read():
            try:
                buf.reading().__enter__()
            except interlane.OwnerGoneError:
                print("gone")

        threading.Thread(target=read).start()
    """)
    assert out.strip() == "gone"


def test_the_contents_of_a_buffer_are_taken_in_a_guard() -> None:
    buf = SharedBuffer(4, "d")
    with buf.writing() as view:
        view[:] = array.array("d", [1, 2, 3, 4])
        assert view == array.array("d", [1, 2, 3, 4])
    with buf.reading() as view:
        assert SharedBuffer.copy_of(view).tolist() == [1, 2, 3, 4]
