"""Values on their way to another interpreter and back: through one of interlane's own channels."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlane._interpreters.recipe import main_path, recipe
from interlane._interpreters.remote import FAKE_MAIN
from interlane._interpreters.script import invoke

# Where another interpreter finds interlane if its own `sys.path` does not say.
_LOCATION = str(Path(__file__).parents[2])


def send_values(run: Callable[[str], None], values: Mapping[str, object]) -> None:
    """Binds the values in `__main__`; `run` runs a script there and raises what it reports."""
    import interlane

    send, recv = interlane.create_channel(fallback="pickle")
    with send, recv:
        send.send(values)
        run(invoke("bind", send.id, _LOCATION, main_path()))


def send_call(
    run: Callable[[str], None],
    target: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> Any:
    """Calls the target there and returns its result."""
    import interlane

    send, recv = interlane.create_channel(fallback="pickle")
    with send, recv:
        send.send(recipe(target))
        send.send((args, kwargs))
        path = main_path()
        run(invoke("call", send.id, _LOCATION, path))
        if path is not None:
            # Results may be of classes that `remote` has found in our script under this name.
            sys.modules.setdefault(FAKE_MAIN, sys.modules["__main__"])
        return recv.recv(timeout=0)
