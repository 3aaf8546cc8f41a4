"""Takes a task of Dask's apart: into calls that need nothing of Dask, in the order in which to do them.

A task may have others inside: containers of references to what it depends on, and whole graphs, where Dask
has fused several tasks into one. What can be put together here, of values that are here, is; each call
becomes a step for `perform`, so that what a fused graph hands from call to call never leaves the
interpreter.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

from dask._task_spec import Alias, DataNode, GraphNode, NestedContainer, Task, TaskRef

from interlane._dask import parcels, perform
from interlane._executor import calls, worker


class Outcome(NamedTuple):
    """Stands for the result of a step."""

    step: int


class Steps:
    """The steps of one task."""

    def __init__(self) -> None:
        self.list: list[perform.Step] = []
        # By identity, which they keep while they are here: what several calls use goes once.
        self._unpacked: dict[int, tuple[object, Outcome]] = {}

    def resolve(self, node: Any, values: Mapping[Any, Any]) -> Any:
        """Returns what an argument is, given what it may refer to: a value, or the outcome of a step."""
        if isinstance(node, Alias):
            return values[node.target]
        if isinstance(node, TaskRef):
            return values[node.key]
        if isinstance(node, DataNode):
            return node.value
        if isinstance(node, NestedContainer):
            return self._contain(node.klass.__name__, [self.resolve(item, values) for item in node.args])
        if isinstance(node, Task):
            if node.has_subgraph():
                return self._resolve_graph(*node.args, values=values)
            args = [self.resolve(arg, values) for arg in node.args]
            kwargs = {name: self.resolve(arg, values) for name, arg in node.kwargs.items()}
            return self._call(node.func, args, kwargs)
        if isinstance(node, GraphNode):
            # A kind that this does not know: it is called there, where it imports Dask.
            known = [part for key in node.dependencies for part in (key, values[key])]
            return self._call(node, [self._contain("dict", known)], {})
        return node

    def _resolve_graph(
        self, graph: dict[Any, Any], last: Any, names: Iterable[Any], *args: Any, values: Mapping[Any, Any]
    ) -> Any:
        inner = {name: self.resolve(arg, values) for name, arg in zip(names, args, strict=True)}
        order = TopologicalSorter({key: node.dependencies for key, node in graph.items()})
        for key in order.static_order():
            if key not in inner:
                inner[key] = self.resolve(graph[key], inner)
        return inner[last]

    def _contain(self, kind: str, items: list[Any]) -> Any:
        if any(isinstance(item, Outcome) for item in items):
            return self._call(perform.container, [kind, *items], {})
        return perform.container(kind, *items)

    def _call(self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Outcome:
        while type(function) is functools.partial:
            args, kwargs = [*function.args, *args], {**function.keywords, **kwargs}
            function = function.func
        if not isinstance(function, FunctionType | BuiltinFunctionType | type):
            args, function = [function, *args], worker.call_object
        # What cannot be imported Dask has brought here by value, from whoever submitted it: so it goes on.
        encode = calls.encode if calls.is_importable(function) else calls.encode_by_value
        needed: list[tuple[int | str, int]] = []
        args = [self._argument(place, arg, needed) for place, arg in enumerate(args)]
        kwargs = {name: self._argument(name, arg, needed) for name, arg in kwargs.items()}
        self.list.append((encode(function), args, kwargs, needed))
        return Outcome(len(self.list) - 1)

    def _argument(self, place: int | str, value: Any, needed: list[tuple[int | str, int]]) -> Any:
        """Returns the argument to send; one that only a step there gives is noted and left empty."""
        if not isinstance(value, Outcome):
            if parcels.is_plain(value):
                return value
            value = self._unpacking(value)
        needed.append((place, value.step))
        return None

    def _unpacking(self, value: Any) -> Outcome:
        known = self._unpacked.get(id(value))
        if known is not None:
            return known[1]
        _, content = parcels.pack(value)
        self.list.append((calls.encode(parcels.loads), list(content), {}, []))
        outcome = Outcome(len(self.list) - 1)
        self._unpacked[id(value)] = value, outcome
        return outcome
