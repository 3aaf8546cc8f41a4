"""On a debug build of CPython: no operation on capsules leaves references behind."""

import sys

import pytest

from tests.arrays.conftest import PRODUCER


@pytest.fixture
def run(run):
    return lambda code, *args, **options: run(PRODUCER + code, *args, **options)


@pytest.mark.timeout(175)  # before faulthandler ends the run
@pytest.mark.skipif(
    not hasattr(sys, "gettotalrefcount"), reason="only a debug build of CPython counts references"
)
def test_no_operation_on_capsules_leaves_references_behind(run):
    run(
        """
def columns():
    got = exchange(table())
    again, part = exchange([got, got.children[1]])
    part.buffers, part.offset, part.dictionary, part.null_count, part.nbytes, repr(part), len(got)
    fields, columns = again.__arrow_c_array__()
    capsules.take_schema(fields), capsules.take_schema(got.__arrow_c_schema__())
    handle, _ = capsules.take_array(columns)
    child, _ = capsules.take_child(handle, 1)
    capsules.give_back(handle, False), capsules.give_back(child, True)
    again.__arrow_c_array__()  # which nobody takes
    _, chunks = capsules.take_stream(got.__arrow_c_stream__())
    for handle, _ in chunks:
        capsules.give_back(handle, True)

def streams():
    flat = schema("l")
    got = exchange(Stream(flat, [items(5, None, numbers), items(3, None, numbers)], numbers))
    [memoryview(chunk)[0] for chunk in got.chunks], repr(got), got.nbytes
    with interlane.share(got) as share:
        share.areas, exchange(share).close()
    is_one = interlane.is_shareable(Stream(flat, [], numbers))
    assert is_one

def refusals():
    refused(exchange, Stream(None, [], failure=22, message="bad"))
    refused(exchange, Array(schema(None), items(1, None, numbers), numbers))
    refused(exchange, Array(schema("l"), items(-1, None, numbers), numbers))
    refused(lambda: interlane.share(table(), writable=True), error=BufferError)

class Tensor:
    def __init__(self, **options): self.options, self.buffer = options, interlane.SharedBuffer((3, 4), "d")
    def __dlpack_device__(self): return self.options.get("device", (1, 0))
    def __dlpack__(self, **options): return self.buffer.__dlpack__(**options)

def tensors():
    got = exchange(Tensor())
    got[1, 2], exchange(got)
    for version in (None, (1, 0)):
        for foreign in (False, True):
            handle, *_ = capsules.take_tensor(Tensor().__dlpack__(max_version=version))
            capsules.delete_tensor(handle, version is not None, foreign)
    got.toreadonly().__dlpack__(max_version=(1, 0))
    refused(exchange, Tensor(device=(2, 0)))
    refused(exchange, Tensor(device="cpu"))

def measured(operation, times):
    for _ in range(times):
        operation()
    capsules.log()
    nothing_is_lost()
    gc.collect()
    return sys.gettotalrefcount()

def leak(operation):
    measured(operation, 20)
    # What one run more costs; the least of several, since caches fill up and other threads come and go.
    growths = []
    for _ in range(4):
        before = measured(operation, 20)
        growths.append((measured(operation, 60) - before) / 60)
    return min(growths)

leaks = {operation.__name__: leak(operation) for operation in (columns, streams, refusals, tensors)}
assert all(growth < 0.5 for growth in leaks.values()), leaks
""",
        timeout=160,
    )
