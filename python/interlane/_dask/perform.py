"""The part that runs in a worker's interpreter, where Dask need not be imported."""

from collections import Counter
from typing import Any

from interlane._dask import parcels
from interlane._executor import worker

# A function as `calls.encode` makes it, its arguments, and which of these (by position or name) are results
# of which earlier steps.
type Step = tuple[bytes, list[Any], dict[str, Any], list[tuple[int | str, int]]]


def perform(steps: list[Step], final: int) -> parcels.Parcel:
    """Performs one step after the other; returns the result of the final one."""
    uses = Counter(number for *_, needed in steps for _, number in needed)
    uses[final] += 1
    results: dict[int, Any] = {}
    for index, (encoded, args, kwargs, needed) in enumerate(steps):
        call_args: list[Any] = [parcels.received(arg) for arg in args]
        call_kwargs = {name: parcels.received(arg) for name, arg in kwargs.items()}
        for place, number in needed:
            uses[number] -= 1
            value = results[number] if uses[number] else results.pop(number)
            if isinstance(place, str):
                call_kwargs[place] = value
            else:
                call_args[place] = value
            del value
        # What nobody needs any more goes with the call.
        args.clear()
        kwargs.clear()
        results[index] = worker.loaded(encoded)(*call_args, **call_kwargs)
        del call_args, call_kwargs
    return parcels.pack(results[final])


def container(kind: str, *items: Any) -> Any:
    """Returns a container of the items, which are keys and values by turns for a `dict`."""
    if kind == "dict":
        return dict(zip(items[::2], items[1::2], strict=True))
    return {"list": list, "tuple": tuple, "set": set}[kind](items)
