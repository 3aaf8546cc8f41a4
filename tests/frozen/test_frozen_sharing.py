"""Frozen data in other interpreters: the same memory, counted, and freed with its last user."""

import gc
import queue
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import interlane
import pytest
from interlane import FrozenDict, FrozenList, freeze, interpreters


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


def live() -> tuple[int, int]:
    gc.collect()
    interlane.collect()
    stats = interlane.stats()
    return stats.live, stats.nbytes


def exchange(item: Any, **options: Any) -> Any:
    send, recv = interlane.create_channel(**options)
    with send, recv:
        send.send(item, timeout=10)
        return recv.recv(timeout=10)


PLAIN = {"a": [1, {"b": ("c", 2.5)}], "t": "x" * 10_000, "d": b"y" * 100_000, 5: {1, 2}}

CHECK = """
from interlane import FrozenDict, FrozenList, FrozenTuple, FrozenSet
from collections.abc import Mapping
plain = {"a": [1, {"b": ("c", 2.5)}], "t": "x" * 10_000, "d": b"y" * 100_000, 5: {1, 2}}
assert type(frozen) is FrozenDict, type(frozen)
assert isinstance(frozen, Mapping)
assert frozen == plain
assert frozen["a"][1]["b"] == ("c", 2.5)
assert frozen.thaw() == plain
assert type(frozen["a"]) is FrozenList and type(frozen["a"][1]["b"]) is FrozenTuple
assert type(frozen[5]) is FrozenSet
"""


def test_it_arrives_by_prepare_main_and_is_used_in_place(other):
    frozen = freeze(PLAIN)
    before = live()
    other.prepare_main(frozen=frozen)
    other.exec(CHECK)
    assert live() == before
    (record,) = (share for share in interlane.shares() if share.nbytes == frozen.nbytes)
    assert record.type == "interlane.freeze"
    assert set(record.holders) == {interpreters.get_current().id, other.id}


def test_it_goes_through_channels_alone_inside_of_others_and_as_a_part(other):
    frozen = freeze(PLAIN)
    before = live()
    got = exchange([frozen, {"k": frozen}])
    assert got[0] == PLAIN
    assert got[1]["k"] is got[0]
    part = exchange(frozen["a"])
    assert type(part) is FrozenList
    assert part == PLAIN["a"]
    assert part.nbytes == frozen.nbytes
    assert exchange(frozen, fallback="pickle").nbytes == frozen.nbytes
    assert type(exchange(frozen, fallback="pickle")) is FrozenDict
    assert live() == before


def test_it_goes_through_call_and_comes_back(other):
    frozen = freeze(PLAIN)
    answer = other.call(part_of, frozen)
    assert type(answer) is FrozenList
    assert answer == PLAIN["a"]


def part_of(frozen: Any) -> Any:
    return frozen["a"]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters came with 3.14")
def test_it_goes_through_the_queues_of_the_standard_library():
    from concurrent import interpreters as standard

    frozen = freeze(PLAIN)
    before = live()
    items = standard.create_queue()
    items.put(frozen)
    items.put(frozen["a"])
    assert items.get() == PLAIN
    assert type(items.get()) is FrozenList
    assert live() == before


def test_it_goes_through_our_queues(other):
    from interlane.compat import queues

    items = queues.create()
    items.put(freeze(PLAIN))
    other.prepare_main(items=items)
    other.exec("frozen = items.get()" + CHECK)
    with pytest.raises(queue.Empty):
        items.get_nowait()


def test_a_share_of_it_is_a_share_like_any_other(other):
    frozen = freeze(PLAIN)
    with interlane.share({"in": frozen}) as share:
        assert share.nbytes == frozen.nbytes
        other.prepare_main(share=share)
        other.exec("frozen = share.get()['in']" + CHECK)
        other.exec("text = frozen['t']; part = frozen['a']; share.close(); del frozen, share")
        other.exec("assert text == 'x' * 10_000 and part == [1, {'b': ('c', 2.5)}]")
        assert share.holders == 3  # with ours
        other.exec("del text, part")
        other.exec("import interlane; interlane.collect()")
    assert interlane.is_shareable(frozen)
    assert interlane.is_shareable([frozen["a"]])


def test_it_is_freed_with_the_last_user_of_any_part_of_it():
    before = live()
    frozen = freeze(PLAIN)
    size = frozen.nbytes
    assert live() == (before[0] + 1, before[1] + size)
    part = frozen["a"][1]["b"]
    del frozen
    assert live() == (before[0] + 1, before[1] + size)
    assert part == ("c", 2.5)
    del part
    assert live() == before

    for user in (lambda: freeze(PLAIN)["t"], lambda: freeze(PLAIN)["d"], lambda: iter(freeze(PLAIN))):
        thing = user()
        assert live()[0] == before[0] + 1
        del thing
        assert live() == before


def test_it_outlives_the_interpreter_that_made_it():
    before = live()
    send, recv = interlane.create_channel()
    owner = interpreters.create()
    owner.prepare_main(send=send)
    owner.exec(
        "import interlane; f = interlane.freeze({'a': ['x' * 10_000]}); send.send(f); send.send(f['a'])"
    )
    owner.close()
    frozen, part = recv.recv(timeout=10), recv.recv(timeout=10)
    assert frozen == {"a": ["x" * 10_000]}
    assert part[0] == "x" * 10_000
    interlane.wait_released(timeout=50)
    del frozen, part
    wait_until(lambda: live() == before)


def test_sending_a_million_keys_costs_no_memory(other):
    plain = {f"key {number}": [number, float(number)] for number in range(1_000_000)}
    frozen = freeze(plain)
    del plain
    before = live()
    for _ in range(100):
        got = exchange([frozen, frozen])
        assert len(got[1]) == 1_000_000
    other.prepare_main(frozen=frozen)
    assert live() == before
    assert before[1] >= frozen.nbytes > 1_000_000 * 8
    other.exec("""if True:
        import resource
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(0, 1_000_000, 997):
            assert frozen[f"key {number}"] == [number, float(number)]
        assert len(frozen) == 1_000_000
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    """)


def test_several_interpreters_read_it_at_once():
    seed = 20260101
    frozen = freeze(make(seed))
    code = f"""if True:
        import random
        {MAKE}
        plain = make({seed})
        rng = random.Random(own)
        keys = list(plain)
        for _ in range(3000):
            key = rng.choice(keys)
            assert frozen[key] == plain[key]
            assert frozen.get((key, 1)) is None
        assert frozen == plain
        assert frozen.thaw() == plain
        assert sum(1 for _ in frozen.items()) == len(plain)
    """
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            interp = interpreters.create()
            try:
                interp.prepare_main(frozen=frozen, own=number)
                interp.exec(code)
            finally:
                interp.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert frozen == make(seed)


MAKE = """
        def make(seed):
            rng = random.Random(seed)
            def value(depth):
                kind = rng.randrange(8 if depth else 5)
                if kind == 5: return [value(depth - 1) for _ in range(rng.randrange(5))]
                if kind == 6: return tuple(value(depth - 1) for _ in range(rng.randrange(5)))
                if kind == 7: return {rng.randrange(100): value(depth - 1) for _ in range(rng.randrange(5))}
                if kind == 4: return rng.randbytes(9)
                return (None, rng.random(), rng.getrandbits(80), 'x' * rng.randrange(6000))[kind]
            return {f'key {n}': value(4) for n in range(500)}
"""


def make(seed: int) -> Any:
    names: dict[str, Any] = {"random": random}
    exec("if True:\n" + MAKE, names)
    return names["make"](seed)


def test_a_frozen_dict_of_frozen_dicts_is_one_share():
    before = live()
    parts = [freeze({"n": n}) for n in range(10)]
    assert live()[0] == before[0] + 10
    whole = freeze(parts)
    assert live()[0] == before[0] + 11
    del parts
    assert live()[0] == before[0] + 1
    assert whole == [{"n": n} for n in range(10)]
    assert isinstance(whole[3], FrozenDict)
