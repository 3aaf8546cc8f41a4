"""The benchmarks run to the end. What they measure is not tested."""

import json
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

# Why a contender may be absent.
EXCUSES = ("it is not installed", "it came with Python 3.14", "crates/bench is not built")


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


def test_every_contender_takes_part(run_child: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    out = run(run_child, "run.py", "--quick", "--only", "int-round-trip", "--json", str(file))
    for result in json.loads(file.read_text())["results"]["int-round-trip"].values():
        assert result["medians"] or result["failure"].startswith(EXCUSES), out


def test_the_share_threshold_is_measured(run_child: Any) -> None:
    assert "sharing is cheaper from" in run(run_child, "threshold.py", "--quick")
