"""Draw the README's pictures from the sample. Run as ``python -m tests.make_pictures``."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

import roadmap_analytics as ra
from roadmap_analytics.report import build
from tests.browser.chromium import Chromium, executable

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
    if executable():
        picture_of_the_board(dataset)
    else:  # a machine that builds the documentation may have none; the stored picture stays
        print("no Chromium: docs/images/board.png is not renewed", file=sys.stderr)


def picture_of_the_board(dataset: ra.Dataset) -> None:
    """Save what a meeting sees first: the board down to what is to be decided."""
    shown = dataset.without_confidential_titles()
    overview = build.board(shown, as_of=build._last_day(shown))
    with tempfile.TemporaryDirectory() as scratch:
        index = build._write(build._exporter(), [], Path(scratch) / "report", shown, overview)
        browser = Chromium(Path(scratch) / "profile")
        try:
            page = browser.page(width=1400, height=800)
            page.open(index.as_uri())
            place = page.value(
                """(() => {
                const [top, end] = [document.querySelector('main'),
                  document.querySelector('ol.decide')].map(e => e.getBoundingClientRect());
                return {x: top.x - 20, y: top.y - 12, width: top.width + 40,
                  height: end.bottom - top.y + 28, scale: 1}; })()"""
            )
            shot = page.call("Page.captureScreenshot", captureBeyondViewport=True, clip=place)
        finally:
            browser.close()
    (PICTURES / "board.png").write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
