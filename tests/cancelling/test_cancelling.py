"""Cancelling an awaited call at any of its steps loses no item, no permit and no notification."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).with_name("scenarios.py")
LOADED = runpy.run_path(str(SCENARIOS))
names = pytest.mark.parametrize("name", LOADED["SCENARIOS"])


@names
def test_cancelling_at_each_step_loses_nothing(run_loop: Any, name: str) -> None:
    assert run_loop(LOADED["sweep"](name)) >= 2


def test_nor_does_it_in_an_isolated_interpreter(run_child: Any) -> None:
    out = run_child(
        """
        import interlane, os, sys
        interp = interlane.interpreters.create()
        interp.exec(open(sys.argv[1]).read())
        interp.exec("print(sum(run(name) >= 2 for name in SCENARIOS), flush=True)")
        """,
        str(SCENARIOS),
        timeout=110,
    )
    assert int(out) == len(LOADED["SCENARIOS"])


def test_the_check_notices_a_call_that_loses_what_it_was_given() -> None:
    async def careless(recv: Any) -> Any:
        return (await recv.arecv(), await LOADED["turns"](2))[0]

    LOADED["SCENARIOS"]["careless"] = lambda victim, delay: LOADED["receive"](victim, delay, careless)
    with pytest.raises(AssertionError):
        LOADED["run"]("careless")
    del LOADED["SCENARIOS"]["careless"]
