"""The benchmarks run to the end. What they measure is not tested."""

import json
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

# Those that are always there, and end by themselves.
OTHERS = ("concurrent.interpreters.Queue", "multiprocessing.Queue", "queue.SimpleQueue, threads")


def run(run_child: Any, script: str, *args: str) -> str:
    path = str(BENCHMARKS / script)
    code = f"import runpy, sys; sys.argv = {[path, *args]}; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
    return run_child(f"{code}runpy.run_path({path!r}, run_name='__main__')", env={"INTERLANE_RUST_BENCH": ""})


def test_every_scenario_measures_interlane(run_child: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    out = run(run_child, "run.py", "--quick", "--contender", "interlane", "--json", str(file))
    scenarios = json.loads(file.read_text())["results"]
    assert len(scenarios) == 7, out
    for contenders in scenarios.values():
        assert list(contenders) == ["interlane"]
        assert contenders["interlane"]["medians"], out
    assert "at most" in out


def test_other_contenders_take_part(run_child: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    names = [word for name in OTHERS for word in ("--contender", name)]
    out = run(run_child, "run.py", "--quick", "--only", "int-round-trip", "--json", str(file), *names)
    results = json.loads(file.read_text())["results"]["int-round-trip"]
    assert set(results) == set(OTHERS)
    for result in results.values():
        assert result["medians"] or result["failure"] == "it came with Python 3.14", out


def test_the_share_threshold_is_measured(run_child: Any) -> None:
    assert "sharing str is cheaper from" in run(run_child, "threshold.py", "--quick")
