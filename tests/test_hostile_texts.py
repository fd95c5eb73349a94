"""Texts from anybody: Markdown in Markdown without end, titles with NUL, where they are shown."""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import roadmap_analytics as ra
from tests.examples import left_to_soak
from tests.exporting import command
from tests.odd_datasets import SAMPLE

HEAD = "# 2025-01-05 Roadmap\n\n## Priorities\n\n- one\n"
DEEP = {
    "quotes": ">" * 50_000 + "x",
    "lists": "- " * 20_000 + "x",
    "nested lists": "\n".join("  " * i + "- a" for i in range(300)),
    "numbers": "1. " * 30_000 + "x",
    "brackets": "- " + "[" * 50_000,
    "links": "- " + "[" * 10_000 + "x" + "](u)" * 10_000,
    "images": "- " + "![" * 10_000 + "x" + "](u)" * 10_000,
    "asterisks": "- " + "*" * 40_000 + "a" + "*" * 40_000,
    "underscores": "- " + "_" * 40_000 + "a" + "_" * 40_000,
    "asterisks and tildes": "- " + "**~~" * 10_000 + "a" + "~~**" * 10_000,
    "emphasis": "- " + "**a_b_" * 10_000,
    "backticks": "- " + "".join("`" * i + "x" for i in range(500)),
    "parentheses": "- " + "(" * 50_000 + ")" * 50_000,
    "a wide table": "|" + "a|" * 7_000 + "\n|" + "-|" * 7_000 + "\n|" + "a|" * 7_000,
    "numbers without end": "- by 31 December " + "9" * 50_000 + "\n- in " + "9" * 5000 + " weeks",
    "one word": "- " + "a" * 150_000,
    "NUL written out": "- a\\0b &#0; c",
}


# The others are of a kind with one that is read on every run.
SELDOM = ["numbers", "images", "underscores", "asterisks and tildes"]
KINDS = [name for name in DEEP if name not in SELDOM]


@pytest.mark.parametrize("name", [*KINDS, *left_to_soak(*SELDOM)])
def test_a_document_of_many_levels_is_read_in_seconds(tmp_path: Path, name: str) -> None:
    (tmp_path / "2025-01-05-roadmap.md").write_text(f"{HEAD}\n{DEEP[name]}\n")
    began = time.process_time()
    found = ra.read_roadmaps(tmp_path)
    assert time.process_time() - began < 3  # what grows with the square takes ten and more
    assert "one" in set(found.roadmap_items["title"]), "what stands beside it is read"


NUL = "a\x00b \x1b[31mred\x1b[0m \x07 \u202egnp.exe \ud7ff\ufffe c"


def with_nul() -> ra.Dataset:
    """The sample with NUL and what a terminal would obey in every text that GitLab may send."""
    sample = ra.load(SAMPLE)

    def named(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        return frame.assign(
            **{
                column: pd.array(np.where(frame[column].isna(), None, NUL), dtype="str")
                for column in columns
            }
        )

    return sample.with_frames(
        issues=named(sample.issues, "title"),
        milestones=named(sample.milestones, "title"),
        milestone_dates=named(sample.milestone_dates, "title"),
        roadmap_items=named(sample.roadmap_items, "title", "target_text"),
    )


def test_nul_in_titles_is_stored_and_told_as_text(tmp_path: Path) -> None:
    with_nul().save(tmp_path / "data")
    assert set(ra.load(tmp_path / "data").issues["title"]) == {NUL}
    outcome = command("check", str(tmp_path / "data"))
    assert outcome.code in (0, 1), outcome.err
    assert not {"\x00", "\x1b", "\x07", "\u202e"} & set(outcome.out + outcome.err)


def test_nul_in_titles_can_be_drawn(tmp_path: Path) -> None:
    dataset = with_nul()
    day = dataset.exported_at.date()
    figures = [
        ra.plot_slippage(ra.slippage(dataset, as_of=day)),
        ra.plot_burndown(
            ra.burndown(dataset, int(dataset.milestones["milestone_id"].iloc[0]), as_of=day)
        ),
    ]
    for number, axes in enumerate(figures):
        axes.figure.savefig(tmp_path / f"{number}.png")
        axes.figure.savefig(tmp_path / f"{number}.svg")
    plt.close("all")
