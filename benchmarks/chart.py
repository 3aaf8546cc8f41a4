"""Draws the charts of docs/ from figures. Needs the extra `bench`.

Those of `handover.py --json FILE` give docs/handover.svg, those of `locks.py --json FILE` docs/locks.svg.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
# interlane's in one colour, the others' in another.
OURS = ("#0b6e4f", "#159a6c", "#4fb58f", "#86cdb3", "#b5e0cf", "#5b8f7d")
OTHERS = ("#8c2d19", "#c44e34", "#e08a72", "#777777", "#b8860b", "#555577", "#996666")
UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def size(nbytes: int) -> str:
    """Returns the size as people say it."""
    number, unit = next(((nbytes // step, unit) for step, unit in UNITS if nbytes >= step), (nbytes, "bytes"))
    return f"{number} {unit}"


def looks(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each name and how its line looks."""
    ours, others, markers = iter(OURS), iter(OTHERS), iter("o^Dvpshd*X<>8P")
    for name in names:
        colour = next(ours if name.startswith("interlane") else others)
        yield name, {"marker": next(markers), "markersize": 5, "color": colour, "label": name}


def plain(axes: Any) -> None:
    """Takes away what nobody needs."""
    axes.minorticks_off()
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def hand_over(plt: Any, rows: dict[str, dict[str, float]]) -> Any:
    """Draws time over size."""
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for name, look in looks(list(rows)):
        axes.plot([int(nbytes) for nbytes in rows[name]], list(rows[name].values()), **look)
    axes.set(xscale="log", yscale="log", ylabel="microseconds, there and an answer back")
    sizes = [int(nbytes) for nbytes in next(iter(rows.values()))]
    axes.set_xticks(sizes, [size(nbytes) for nbytes in sizes])
    plain(axes)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=8, frameon=False, loc="outside right center")
    return figure


def contended(plt: Any, loads: dict[str, dict[str, dict[str, dict[str, float]]]]) -> Any:
    """Draws how often a lock changes hands over how many are at it, a panel for each load."""
    figure, panels = plt.subplots(1, len(loads), figsize=(9, 3.6), layout="constrained", squeeze=False)
    for axes, (load, rows) in zip(panels[0], loads.items(), strict=True):
        for name, look in looks(list(rows)):
            found = {int(count): row["median"] / 1e6 for count, row in rows[name].items() if row}
            axes.plot(list(found), list(found.values()), **look)
        axes.set(xlabel="interpreters, threads or processes", ylim=(0, None))
        axes.set_title(load, fontsize=9)
        plain(axes)
    panels[0][0].set_ylabel("million times a second")
    handles = panels[0][0].get_legend_handles_labels()
    figure.legend(*handles, fontsize=8, frameon=False, loc="outside right center")
    return figure


# By the key of the figures: how they are drawn, the file in docs/, and the title.
CHARTS = {
    "hand-over": (hand_over, "handover.svg", "Handing memory to another interpreter"),
    "contended": (contended, "locks.svg", "One lock that all want"),
}


def main() -> None:
    """Draws what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="what one of the benchmarks has written")
    parser.add_argument("--output", type=Path, help="default: the file in docs/")
    options = parser.parse_args()

    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "interlane"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text
    import matplotlib.pyplot as plt

    data = json.loads(options.figures.read_text())
    key = next((key for key in CHARTS if key in data), None)
    if key is None:
        parser.error(f"there is no chart of {options.figures}: it has none of {', '.join(CHARTS)}")
    draw, name, title = CHARTS[key]
    machine = data["machine"]
    figure = draw(plt, data[key])
    what = f"{title}: Python {machine['python']}, {machine['cores']} cores, {machine['date'][:10]}"
    figure.suptitle(what, fontsize=9)
    output = options.output or DOCS / name
    figure.savefig(output, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    print(output)


if __name__ == "__main__":
    main()
