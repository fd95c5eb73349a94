"""Draw the README's pictures from the sample. Run as ``python -m tests.make_pictures``."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

import roadmap_analytics as ra

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images"


def main() -> None:
    mpl.use("Agg")
    dataset = ra.load(ROOT / "data" / "sample")
    day = dataset.exported_date
    current = ra.current_milestones(ra.milestone_progress(dataset, as_of=day))
    tracked = ra.slippage(dataset, as_of=day)
    first = int(current["milestone_id"].iloc[1])
    charts = {
        "burndown": ra.plot_burndown(
            ra.burndown(dataset, first, as_of=day),
            forecast=ra.forecast(dataset, first, as_of=day, seed=1),
            timeline=ra.milestone_timeline(dataset, first, as_of=day),
        ),
        "slippage": ra.plot_slippage(tracked[tracked["kind"] != "priority"]),
    }
    PICTURES.mkdir(exist_ok=True)
    for name, ax in charts.items():
        ax.figure.savefig(PICTURES / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
