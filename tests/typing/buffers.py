"""What type checkers make of shared memory. Checked by mypy, never run."""

from typing import Any, assert_type

import interlane
from interlane import SharedBuffer


def memory() -> None:
    """Made, guarded, given away."""
    buf = SharedBuffer((2, 3), format="d")
    assert_type(SharedBuffer.from_buffer(bytearray(3)), SharedBuffer)
    with buf.reading() as view, buf.writing(timeout=1.5) as other:
        assert_type(view, SharedBuffer)
        assert_type(other, SharedBuffer)
    buf.freeze()
    send, _recv = interlane.create_channel[SharedBuffer]()
    send.send(interlane.move(buf))
    assert_type(buf.__array_interface__, dict[str, Any])
    try:
        buf.writing(0)
    except interlane.BufferBusyError as error:
        assert_type(error.errno, int | None)
