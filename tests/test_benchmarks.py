"""The benchmarks run to the end. What they measure is not tested."""

import json
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

# Those that are always there, and end by themselves.
OTHERS = ("concurrent.interpreters.Queue", "multiprocessing.Queue", "queue.SimpleQueue, threads")


def run(run_child: Any, script: str, *args: str) -> str:
    path = str(BENCHMARKS / script)
    code = f"import runpy, sys; sys.argv = {[path, *args]}; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
    code = f"{code}runpy.run_path({path!r}, run_name='__main__')"
    # Many processes, one after the other.
    return run_child(code, env={"INTERLANE_RUST_BENCH": ""}, timeout=360)


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


def test_frozen_dicts_are_measured(run_child: Any) -> None:
    out = run(run_child, "frozen.py", "--quick")
    assert "10,000 keys" in out
    assert "frozen, through a channel" in out


def test_the_cost_of_handing_memory_over_is_measured_and_drawn(run_child: Any, tmp_path: Path) -> None:
    file, chart = tmp_path / "figures.json", tmp_path / "chart.svg"
    out = run(run_child, "handover.py", "--quick", "--json", str(file))
    figures = json.loads(file.read_text())
    for name in ("SharedBytes", "SharedStr", "SharedBuffer", "bytearray"):
        assert all(figures["hand-over"][f"interlane, {name}"].values()), out
    assert figures["fan-out"]["interpreters"] == 8
    assert "the process has grown by" in out
    pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")
    run(run_child, "chart.py", str(file), "--output", str(chart))
    assert "numpy.ndarray" in chart.read_text()


def test_shares_releases_and_proxies_are_measured(run_child: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    out = run(run_child, "sharing.py", "--quick", "--json", str(file))
    scenarios = json.loads(file.read_text())["results"]
    assert len(scenarios) == 4, out
    for subjects in scenarios.values():
        for name, result in subjects.items():
            assert result["medians"] or result["failure"].startswith("it "), (name, out)


def test_the_pools_are_measured(run_child: Any, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    only = [
        word
        for name in ("round-trip", "many", "argument-str", "import", "memory")
        for word in ("--only", name)
    ]
    out = run(run_child, "pool.py", "--quick", "--json", str(file), *only)
    results = json.loads(file.read_text())["results"]
    assert set(results["import"]) == {"interlane", "an empty package"}
    for scenario, pools in results.items():
        for name, result in pools.items():
            assert result["medians"] or result["failure"].startswith("it "), (scenario, name, out)
    assert "MISSED" in out or "met" in out


def test_locks_are_measured_and_drawn(run_child: Any, tmp_path: Path) -> None:
    file, chart = tmp_path / "figures.json", tmp_path / "chart.svg"
    out = run(run_child, "locks.py", "--quick", "--json", str(file))
    figures = json.loads(file.read_text())
    assert figures["results"]["RLock, with: pass"]["interlane"]["medians"], out
    for rows in figures["contended"].values():
        assert all(all(row.values()) for row in rows.values()), out
    pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")
    run(run_child, "chart.py", str(file), "--output", str(chart))
    assert "interlane.RLock" in chart.read_text()


@pytest.mark.parametrize("call", ["crowd.py --only=interlane", "spinning.py", "memory.py"])
def test_interlane_is_measured_beside_others(run_child: Any, tmp_path: Path, call: str) -> None:
    file = tmp_path / "figures.json"
    out = run(run_child, *call.split(), "--quick", "--json", str(file))
    for rows in json.loads(file.read_text())["results"].values():
        for contender, result in rows.items():
            assert result["medians"] or not contender.startswith("interlane"), out
    assert "at most" in out or "at least" in out


def test_a_part_is_run_by_its_name(run_child: Any) -> None:
    out = run(run_child, "all.py", "--help")
    for part in ("locks", "memory", "handover", "pool"):
        assert f"\n  {part} " in out
        assert (BENCHMARKS / f"{part}.py").exists()


def test_queues_for_unequal_tasks_are_compared(run_child: Any) -> None:
    out = run(run_child, "stealing.py", "--quick")
    for name in ("equal", "heavy tail", "no-ops"):
        assert any(line.startswith(name) and len(line.split()) >= 4 for line in out.splitlines()), out
