"""A quick look says whether a frame keeps its rules; never yes where pandera says no."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from roadmap_analytics import schema
from roadmap_analytics.errors import DatasetError
from tests.eight_issues import eight_issues
from tests.test_row_order import simulated


@cache
def frames() -> dict[str, pd.DataFrame]:
    mine = eight_issues().dataset().frames
    return simulated().frames | {name: frame for name, frame in mine.items() if len(frame)}


def pandera_accepts(name: str, frame: pd.DataFrame) -> bool:
    try:
        schema._schema(name).validate(frame, lazy=True)
    except SchemaErrors:
        return False
    return True


@pytest.mark.parametrize("name", schema.FRAMES)
def test_what_is_stored_is_seen_to_fit(name: str) -> None:
    assert schema._fits(name, frames()[name], {})
    assert schema._fits(name, frames()[name].iloc[:0], {})
    assert schema._fits(name, frames()[name].iloc[::-1], {})
    assert pandera_accepts(name, frames()[name])


@pytest.mark.parametrize("name", schema.FRAMES)
def test_a_row_twice_is_seen(name: str) -> None:
    frame = frames()[name]
    if frame.empty:
        pytest.skip("no row of it in either world")
    for row in (0, len(frame) // 2, len(frame) - 1):
        twice = pd.concat([frame, frame.iloc[[row]]], ignore_index=True)
        for rows in (twice, twice.sort_values(schema.key_of(name), ignore_index=True)):
            assert not schema._fits(name, rows, {})
            with pytest.raises(DatasetError, match=f"frame {name}: "):
                schema.validate(name, rows)


ODD: list[Any] = [None, "", "set", "opened", -1, 0, 7, 2**40, np.nan, True, pd.NaT]


@given(
    st.deferred(lambda: st.sampled_from([name for name, rows in frames().items() if len(rows)])),
    st.integers(0, 10**6),
    st.integers(0, 40),
    st.sampled_from(ODD),
)
def test_any_odd_value_is_judged_as_pandera_judges_it(
    name: str, row: int, column: int, value: Any
) -> None:
    frame = frames()[name].head(12).copy()
    which = frame.columns[column % len(frame.columns)]
    try:
        frame.loc[row % len(frame), which] = value
    except (TypeError, ValueError):
        return  # pandas does not take it for this type
    texts = {c: set(frame[c].dropna()) for c in frame.select_dtypes("str")}
    for known in (texts, {c: words | {"unused"} for c, words in texts.items()}):
        assert schema._fits(name, frame, known) == schema._fits(name, frame, {})
    if schema._fits(name, frame, {}):
        assert pandera_accepts(name, frame)
    elif frame.dtypes.equals(frames()[name].dtypes):
        assert not pandera_accepts(name, frame)


@pytest.mark.parametrize(
    "broken",
    [
        lambda frame: frame.assign(more=1),
        lambda frame: frame.drop(columns="person"),
        lambda frame: frame[["person", "issue_id"]],
        lambda frame: frame.astype({"issue_id": "float64"}),
        lambda frame: frame.astype({"issue_id": "int32"}),
        lambda frame: frame.astype({"person": object}),
    ],
    ids=["another column", "one too few", "another order", "floats", "short", "objects"],
)
def test_other_columns_and_types_are_seen(broken: Any) -> None:
    assert not schema._fits("assignments", broken(frames()["assignments"]), {})


def test_neighbours_decide_by_later_columns_only_where_earlier_ones_are_equal() -> None:
    rows = pd.DataFrame({"issue_id": [7, 7, 9], "person": ["a", "b", "a"]})
    assert schema._ascends(rows, ["issue_id", "person"])
    assert not schema._ascends(rows.iloc[[0, 2, 1]], ["issue_id", "person"])
    assert not schema._ascends(rows, ["issue_id"])
