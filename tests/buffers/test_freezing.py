"""`freeze()`: read-only for all, for good."""

import struct
from typing import Any

import interlane
import pytest
from interlane import BufferBusyError, SharedBuffer, interpreters


def test_it_is_read_only_for_all_handles_everywhere_and_for_good() -> None:
    buf = SharedBuffer((2, 4), "h")
    buf[0, 1] = 7
    row = buf[0]
    worker = interpreters.create()
    worker.prepare_main(buf=buf)
    buf.freeze()
    buf.freeze()
    send, recv = interlane.create_channel()
    send.send(buf)
    for handle in (buf, row, buf[1], buf.cast("B"), buf.reshape(8), recv.recv()):
        assert handle.readonly
        assert "frozen" in repr(handle)
        assert memoryview(handle).readonly
        with pytest.raises(TypeError, match="read-only"):
            handle[0] = 1
        with pytest.raises(TypeError, match="read-only"):
            handle[:] = handle
        with pytest.raises(TypeError, match="read-only"):
            handle.writing()
    with pytest.raises((BufferError, TypeError)):
        struct.pack_into("B", buf, 0, 1)
    worker.exec("""if True:
        assert buf.readonly and buf[0, 1] == 7
        try:
            buf[0, 1] = 8
        except TypeError:
            pass
        else:
            raise AssertionError
    """)
    worker.close()
    with buf.reading() as view:
        assert view[0, 1] == 7


def test_who_may_write_keeps_it_from_being_frozen() -> None:
    buf = SharedBuffer(8)
    view = memoryview(buf)
    with pytest.raises(BufferBusyError, match="1 views or guards"):
        buf.freeze()
    view[0] = 1
    view.release()
    reader = memoryview(buf.toreadonly())
    guard = buf.writing()
    guard.__enter__()[1] = 2
    with pytest.raises(BufferBusyError):
        buf[1:].freeze()
    guard.__exit__(None, None, None)
    with buf.reading():
        buf.freeze()
    assert reader.tobytes() == b"\1\2" + bytes(6)


def test_who_may_write_elsewhere_keeps_it_from_being_frozen_too() -> None:
    buf = SharedBuffer(8)
    worker = interpreters.create()
    worker.prepare_main(buf=buf)
    worker.exec("view = memoryview(buf)")
    with pytest.raises(BufferBusyError):
        buf.freeze()
    worker.exec("view.release()")
    buf.freeze()
    worker.exec("assert memoryview(buf).readonly")
    worker.close()


def test_a_writer_that_waits_is_told(run_child: Any) -> None:
    out = run_child("""
        import interlane, threading, time
        from interlane import SharedBuffer

        buf = SharedBuffer(8)

        def write():
            try:
                buf.writing().__enter__()
            except TypeError as error:
                print(error)

        with buf.reading():
            thread = threading.Thread(target=write)
            thread.start()
            while not any(it.waiting for it in interlane.inspect().locks):
                time.sleep(0.002)
            buf.freeze()
        thread.join()
        with buf.reading(timeout=0):
            pass
    """)
    assert out.strip() == "cannot modify read-only memory"


def test_a_frozen_one_is_copied_as_one_that_is_not() -> None:
    buf = SharedBuffer.copy_of(b"abc")
    buf.freeze()
    copied = SharedBuffer.copy_of(buf)
    copied[0] = 0
    assert buf.tobytes() == b"abc"
