"""What the tests of event loops share."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import interlane
import pytest


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """How many are open in this process."""

    def count() -> int:
        folder = Path("/proc/self/fd")
        if not folder.exists():
            pytest.skip("no /proc")
        gc.collect()  # what other tests have left
        return len(list(folder.iterdir()))

    return count


@pytest.fixture
def opened() -> Callable[..., AbstractAsyncContextManager[tuple[Any, Any]]]:
    """The ends of a channel with this capacity, for `async with`."""

    @asynccontextmanager
    async def make(capacity: int | None = None) -> AsyncIterator[tuple[Any, Any]]:
        send, recv = interlane.create_channel(capacity)
        async with send as same_send, recv as same_recv:
            assert same_send is send
            assert same_recv is recv
            yield send, recv
        assert send.closed
        assert recv.closed

    return make
