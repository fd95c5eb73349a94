"""The SQL of docs/scale.md gives what the functions give, on the sample."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import roadmap_analytics as ra
from tests.make_sample import SAMPLE

duckdb = pytest.importorskip("duckdb")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"


def sql() -> str:
    (found,) = re.findall(r"```text\n(WITH .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return found.replace("data/big", str(SAMPLE))


def expected(as_of: object) -> pd.DataFrame:
    table = ra.milestone_progress(ra.load(SAMPLE), as_of=as_of)  # type: ignore[arg-type]
    table = table.loc[table["scope"] > 0, ["milestone_id", "scope", "remaining"]]
    return table.reset_index(drop=True)


def test_the_state_of_today() -> None:
    found = duckdb.sql(sql()).df()
    assert len(found) > 10
    pd.testing.assert_frame_equal(found, expected(ra.load(SAMPLE).exported_at))


def test_the_state_of_a_day_in_the_past() -> None:
    (condition,) = re.findall(r"add `(AND \"at\" < TIMESTAMPTZ '[^`]*)`", PAGE.read_text("utf-8"))
    past = sql().replace("GROUP BY issue_id", f"{condition} GROUP BY issue_id")
    found = duckdb.sql(past).df()
    then = ra.milestone_progress(ra.load(SAMPLE), as_of="2025-11-10", timezone="Europe/Stockholm")
    then = then.loc[then["scope"] > 0, ["milestone_id", "scope", "remaining"]]
    pd.testing.assert_frame_equal(found, then.reset_index(drop=True))
