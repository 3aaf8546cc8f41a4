"""Producers and consumers of Arrow's structures that break the rules."""

import pytest

from tests.arrays.conftest import PRODUCER


@pytest.fixture
def run(run):
    return lambda code, *args, **options: run(PRODUCER + code, *args, **options)


GARBAGE = """
released = capsules.schema(schema("l")), capsules.array(items(1, None, numbers), Kept())
capsules.take_array(released[1])
class Answer:
    def __init__(self, answer): self.answer = answer
    def __arrow_c_array__(self, requested_schema=None):
        return self.answer() if callable(self.answer) else self.answer
class Streamed:
    def __init__(self, answer): self.answer = answer
    def __arrow_c_stream__(self, requested_schema=None): return self.answer
l, one = schema("l"), items(1, None, numbers)
def endless(depth):
    return schema("+s", endless(depth - 1)) if depth else l
def endless_items(depth):
    return items(1, None, children=[endless_items(depth - 1)]) if depth else items(1, None, numbers)
wrong = [
    (Answer(None), "must return two capsules"),
    (Answer((1, 2)), "no capsule 'arrow_schema'"),
    (Answer(lambda: (capsules.schema(l), capsules.named("arrow_arrays"))), "no capsule 'arrow_array'"),
    (Answer(lambda: (capsules.schema(l), capsules.schema(l))), "no capsule 'arrow_array'"),
    (Answer(lambda: (capsules.schema(l), released[1])), "used already"),
    (Array(schema(None), items(1, None, numbers)), "without a format"),
    (Array(l, items(-1, None, numbers)), "length -1"),
    (Array(l, items(1, None, numbers, offset=-1)), "offset -1"),
    (Array(l, items(2**62, None, numbers, offset=2**62)), "length 4611686018427387904"),
    (Array(l, items(1, None, numbers, nulls=-2)), "-2 nulls"),
    (Array(l, items(1)), "with 0 buffers"),
    (Array(l, items(1, None)), "with 1 buffers"),
    (Array(l, items(1, None, numbers, children=[one])), "1 children, where the schema has 0"),
    (Array(schema("+s", l), items(1, None)), "0 children, where the schema has 1"),
    (Array(schema("+s", l), items(1, None, children=[None])), "that was released"),
    (Array(schema("+s", l), items(1, None, children=[0])), "child 0 is NULL"),
    (Array(schema("+s", 0), items(1, None, children=[one])), "child 0 is NULL"),
    (Array(schema("i", dictionary=l), items(1, None, numbers)), "without its dictionary"),
    (Array(schema("i"), items(1, None, numbers, dictionary=one)), "with a dictionary"),
    (Array(schema("l", metadata=b"\\xff\\xff\\xff\\xff"), items(1, None, numbers)), "metadata of -1"),
    (Array(schema("l", metadata=b"\\1\\0\\0\\0\\xfe\\xff\\xff\\xff"), one), "metadata of -2"),
    (Array(endless(100), endless_items(100)), "more than 64 levels"),
    (Streamed(None), "no capsule 'arrow_array_stream'"),
    (Streamed(capsules.named("arrow_array_stream")), "used already"),
    (Stream(None, [], failure=22, message="bad"), "get_schema fails (Invalid argument (os error 22)): bad"),
    (Stream(None, [], failure=5), "get_schema fails (Input/output error (os error 5))"),
    (Stream(l, [items(1, None, numbers)] * 2, failure=5, message="the disk is gone"), "get_next fails"),
    (Stream(l, [items(1, None, numbers), items(-1, None, numbers)]), "length -1"),
]
"""


def test_garbage_is_refused_with_the_reason_and_what_was_taken_goes_back(run):
    run(
        GARBAGE
        + """
for item, what in wrong:
    capsules.log()
    before = sys.getrefcount(item.kept) if hasattr(item, "kept") else 0
    message = refused(exchange, {"a": item})
    assert message.startswith("item['a']: ") and what in message, (what, message)
    assert (sys.getrefcount(item.kept) if hasattr(item, "kept") else 0) == before, what
    nothing_is_lost()
refused(exchange, Stream(l, [], failure=12), error=MemoryError)
assert "the disk is gone" in refused(exchange, wrong[-2][0])
"""
    )


def test_a_producer_that_raises_is_heard(run):
    run("""
class Angry:
    def __arrow_c_array__(self, requested_schema=None):
        raise ZeroDivisionError("no")
try:
    exchange([Angry()])
except ZeroDivisionError as error:
    assert "item[0]" in error.__notes__[0] and "__arrow_c_array__" in error.__notes__[0]
else:
    raise AssertionError
nothing_is_lost()
""")


def test_what_a_consumer_requests_is_looked_at_and_not_followed(run):
    run("""
got = exchange(table())
stream = got.__arrow_c_stream__(capsules.schema(schema("i")))
got.__arrow_c_array__(requested_schema=None)
for method in (got.__arrow_c_array__, got.__arrow_c_stream__):
    refused(method, 1, error=TypeError)
    refused(method, capsules.array(items(1, None, numbers), Kept()), error=TypeError)
refused(lambda: interlane.ArrowArray(), error=TypeError)
refused(lambda: interlane.ArrowStream(), error=TypeError)
import pickle
refused(pickle.dumps, got, error=TypeError)
del got, stream, method
nothing_is_lost()
""")
