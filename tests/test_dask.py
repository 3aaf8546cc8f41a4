"""Isolated interpreters in Dask workers: real clusters on the loopback, in processes of their own."""

import importlib.util

import pytest

from tests.conftest import RunChild

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="distributed is not installed"
)

START = """
import os, signal, sys, time
import dask
import interlane
import interlane.dask
from distributed import Client, LocalCluster
from interlane import interpreters

def cluster(workers, threads, processes=True):
    return LocalCluster(n_workers=workers, threads_per_worker=threads, processes=processes, host="127.0.0.1",
                        dashboard_address=None, protocol="tcp", memory_limit=0)

def here():
    from interlane import interpreters
    return os.getpid(), interpreters.get_current().id

def spin(n):
    total = 0
    for i in range(n):
        total += i * i % 7
    return total

def run(client, function, *args, **kwargs):
    with dask.annotate(executor="interlane"):
        return client.submit(function, *args, pure=False, **kwargs).result(timeout=200)
"""


def check(run_child: RunChild, code: str, timeout: float = 300) -> str:
    body = "".join("    " + line + "\n" for line in code.strip().splitlines())
    code = f"{START}\nif __name__ == '__main__':\n{body}    print('done')"
    # Processes that a loaded machine keeps from answering are not lost.
    patience = {f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{what}": "200s" for what in ("CONNECT", "TCP")}
    return run_child(code, timeout=timeout, env=patience)


def test_annotated_tasks_and_their_data_go_to_interpreters_of_the_worker(run_child: RunChild) -> None:
    pytest.importorskip("numpy")
    check(
        run_child,
        """
import dataclasses, functools, operator
import numpy as np
import dask.bag

@dataclasses.dataclass
class Point:
    x: int
OFFSET = 10

def moved(points):
    return [Point(p.x + OFFSET) for p in points]

def look(a):
    return isinstance(a, interlane.SharedBuffer), a.shape, a.nbytes, a[0], a.readonly, "numpy" in sys.modules

def scaled(a, factor):
    out = interlane.SharedBuffer(a.shape, a.format)
    for i in range(a.shape[0]):
        out[i] = a[i] * factor
    return out

def arrays(pair):
    return {"second": pair["b"], "kind": bytearray(b"same")}

def no_dask():
    return not [name for name in ("dask", "distributed", "numpy") if name in sys.modules]

with cluster(1, 2) as one, Client(one) as client:
    client.register_plugin(interlane.dask.InterlanePlugin())
    (pid, inside), (other, outside) = run(client, here), client.submit(here).result()
    assert pid == other != os.getpid() and inside != 0 == outside
    assert run(client, no_dask)
    # Functions and data, as Dask has them.
    seven = 7
    assert run(client, lambda x: x + seven, 4) == 11
    assert run(client, functools.partial(operator.add, 1), 2) == 3
    assert run(client, operator.methodcaller("upper"), "a") == "A"
    assert run(client, moved, [Point(1)]) == [Point(11)]
    assert run(client, Point(5).__eq__, Point(5))
    # Arrays arrive as views of the worker's memory, and what comes back is an array again.
    data = np.arange(300_000.0)
    assert run(client, look, data) == (True, (300_000,), 2_400_000, 0.0, True, False)
    assert (np.asarray(run(client, scaled, np.arange(4.0), 2.0)) == [0, 2, 4, 6]).all()
    found = run(client, arrays, {"a": 1, "b": np.arange(5)})
    assert type(found["second"]) is np.ndarray and found["second"].tolist() == [0, 1, 2, 3, 4]
    assert type(found["kind"]) is bytearray
    assert run(client, len, b"x" * 10_000_000) == 10_000_000
    assert run(client, "x".__mul__, 100_000) == "x" * 100_000
    assert run(client, float, np.float64(1.5)) == 1.5
    # Tasks that depend on others, in containers, too, and whole graphs.
    with dask.annotate(executor="interlane"):
        parts = client.map(spin, range(10))
        total = client.submit(sum, parts)
        named = client.submit(lambda d: sorted(d.items()), {"a": parts[3], "b": [parts[4]]})
        lazy = dask.delayed(sum)([dask.delayed(spin)(n) for n in range(10)])
        bag = dask.bag.from_sequence(range(100), npartitions=4).map(lambda x: x * seven)
        bag = bag.filter(lambda x: x % 2)
    assert total.result() == lazy.compute() == sum(map(spin, range(10)))
    assert named.result() == [("a", spin(3)), ("b", [spin(4)])]
    assert bag.compute() == [x * 7 for x in range(100) if x % 2] and bag.count().compute() == 50
""",
    )


def test_a_cluster_of_two_loses_a_worker_and_gets_the_right_results(run_child: RunChild) -> None:
    check(
        run_child,
        """
with cluster(2, 2) as two, Client(two) as client:
    client.register_plugin(interlane.dask.InterlanePlugin())
    sizes = [300_000 + n for n in range(40)]
    expected = [spin(n) for n in sizes]
    with dask.annotate(executor="interlane"):
        client.gather([client.submit(spin, n, pure=False) for n in range(8)])
        futures = client.map(spin, sizes, pure=False)
        pids = client.run(os.getpid)
        while sum(future.done() for future in futures) < 8:
            time.sleep(0.01)
        os.kill(min(pids.values()), signal.SIGKILL)
        assert client.gather(futures) == expected
        # The nanny starts another one, which has interpreters as well.
        # Nor is the lost one, while the scheduler may still know it, one that answers.
        now = {}
        while len(now) < 2 or set(now.values()) == set(pids.values()):
            time.sleep(0.05)
            now = client.run(os.getpid, on_error="ignore")
        for worker in now:
            pid, inside = client.submit(here, workers=[worker], pure=False).result()
            assert inside != 0
""",
    )


def test_what_a_task_raises_comes_back_with_its_traceback(
    run_child: RunChild,
) -> None:
    check(
        run_child,
        """
def fail(x):
    error = ValueError(f"bad {x}")
    error.add_note("a note")
    raise error

def raised(function, *args):
    try:
        run(client, function, *args)
    except Exception as error:
        return error
    raise AssertionError

with cluster(1, 1) as one, Client(one) as client:
    client.register_plugin(interlane.dask.InterlanePlugin())
    before = client.run(os.getpid)
    error = raised(fail, 3)
    assert type(error) is ValueError and error.args == ("bad 3",) and error.__notes__ == ["a note"]
    assert "in fail" in str(error.__cause__), error.__cause__
    assert isinstance(raised(__import__, "psutil"), ImportError)
    assert isinstance(raised(int, "x"), ValueError)
    assert "SystemExit(3)" in str(raised(sys.exit, 3))
    assert isinstance(raised(lambda: (x for x in "abc")), TypeError)
    assert isinstance(raised(lambda f: f(f), lambda f: f(f)), RecursionError)
    assert run(client, spin, 10) == spin(10) and client.run(os.getpid) == before
""",
    )


def test_the_pool_goes_with_the_plugin_and_with_the_worker(run_child: RunChild) -> None:
    # Workers in this process, so that its interpreters can be counted.
    check(
        run_child,
        """
def there():
    return len(interpreters.list_all()) - 1

with cluster(2, 2, processes=False) as two, Client(two) as client:
    plugin = interlane.dask.InterlanePlugin(max_workers=1)
    client.register_plugin(plugin)
    assert there() == 0
    workers = list(two.workers.values())
    for worker in workers:
        assert isinstance(worker.executors["interlane"], interlane.InterpreterPoolExecutor)
    with dask.annotate(executor="interlane"):
        futures = [client.submit(here, workers=[w.address], pure=False) for w in workers for _ in range(3)]
        assert len({inside for _, inside in client.gather(futures)}) == 2 == there()
        # Another of the same name takes its place.
        client.register_plugin(interlane.dask.InterlanePlugin(max_workers=2))
        assert there() == 0
        slow = []
        while not any(worker.active_keys for worker in workers):
            if all(future.done() for future in slow):  # nobody has looked meanwhile
                slow = client.map(spin, [2_000_000] * 2, pure=False)
            time.sleep(0.01)
    client.unregister_worker_plugin(plugin.name)
    assert there() == 0 and all("interlane" not in worker.executors for worker in workers)
    client.register_plugin(plugin)
    assert run(client, here)[1] != 0
assert there() == 0
""",
    )


def test_the_executor_is_one_of_any_functions_too(run_child: RunChild) -> None:
    check(
        run_child,
        """
with interlane.dask.InterlaneExecutor(2) as pool:
    assert pool.submit(here).result()[1] != 0
    assert list(pool.map(spin, range(5))) == list(map(spin, range(5)))
assert issubclass(interlane.dask.InterlaneExecutor, interlane.InterpreterPoolExecutor)
""",
    )


def test_fused_graphs_run_in_one_go_and_share_what_several_calls_use(run_child: RunChild) -> None:
    check(
        run_child,
        """
import operator
from dask._task_spec import Alias, DataNode, Dict, List, Task, TaskRef, Tuple
from interlane._dask import graph, parcels
from interlane._dask.perform import perform

class Local:
    def __init__(self, x): self.x = x

def both(a, b):
    return a is b, a.x

def check(task, data, calls):
    steps = graph.Steps()
    outcome = steps.resolve(task, data)
    assert len(steps.list) == calls, steps.list
    if not isinstance(outcome, graph.Outcome):
        return outcome
    with interlane.InterpreterPoolExecutor(1) as pool:
        return parcels.unpack(pool.submit(perform, steps.list, outcome.step).result())

chain = [Task("a", range, TaskRef("n")), Task("b", iter, TaskRef("a")),
         Task("c", lambda it: (x * 2 for x in it), TaskRef("b")), Task("d", sum, TaskRef("c"))]
assert check(Task.fuse(*chain), {"n": 5}, 4) == 20
long = [Task("k0", operator.add, TaskRef("n"), 0)]
long += [Task(f"k{i}", operator.add, TaskRef(f"k{i - 1}"), 1) for i in range(1, 3000)]
assert check(Task.fuse(*long), {"n": 1}, 3000) == 3000
assert check(DataNode("x", [1]), {}, 0) == [1] and check(Alias("y", "x"), {"x": 3}, 0) == 3
inner = List(TaskRef("x"), Tuple(TaskRef("x"), 2), Dict({"k": TaskRef("x")}))
assert check(inner, {"x": 1}, 0) == [1, (1, 2), {"k": 1}]
assert check(Task("t", repr, inner), {"x": 1}, 1) == "[1, (1, 2), {'k': 1}]"
nested = Task("t", dict, Dict({"k": Task("i", abs, TaskRef("x"))}), z=Task("j", abs, -3))
assert check(nested, {"x": -1}, 4) == {"k": 1, "z": 3}
local = Local(4)
assert check(Task("t", both, TaskRef("x"), TaskRef("y")), {"x": local, "y": local}, 2) == (True, 4)
back = check(Task("t", lambda x: [x], TaskRef("x")), {"x": local}, 2)
assert type(back[0]) is Local
""",
    )
