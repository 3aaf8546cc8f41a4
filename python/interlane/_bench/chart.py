"""The figures as a picture: a panel of bars for each scenario. Needs matplotlib."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from interlane._bench.results import Results, figure
from interlane._bench.scenarios import Scenario

FORMATS = (".png", ".svg")
"""How the name of a chart may end."""

IS_THERE = importlib.util.find_spec("matplotlib") is not None

_OURS, _OTHERS = "#c2410c", "#94a3b8"


def draw(path: Path, title: str, scenarios: list[Scenario], results: Mapping[str, Results]) -> None:
    """Writes the chart of what was measured. Raises OSError when the file cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [(scenario, _bars(results[scenario.name])) for scenario in scenarios]
    panels = [(scenario, bars) for scenario, bars in panels if bars]
    heights = [len(bars) + 1.5 for _, bars in panels]
    picture = Figure(figsize=(10, 1.2 + 0.32 * sum(heights)), layout="constrained")
    FigureCanvasAgg(picture)
    picture.suptitle(title, fontsize=9)
    axes = picture.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (scenario, bars) in zip(axes, panels, strict=True):
        names = list(bars)
        colours = [_OURS if name.startswith("interlane") else _OTHERS for name in names]
        drawn = axis.barh(names, list(bars.values()), color=colours)
        axis.bar_label(drawn, [figure(value) for value in bars.values()], padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.margins(x=0.15)
        axis.invert_yaxis()
        better = "more is better" if scenario.is_rate else "less is better"
        axis.set_title(f"{scenario.title} [{scenario.unit}, {better}]", fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    picture.savefig(path, dpi=150)


def _bars(results: Results) -> dict[str, float]:
    # A logarithm has no room for what rounds to nothing.
    return {name: result.median for name, result in results.items() if result.medians and result.median > 0}
