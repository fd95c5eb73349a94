"""Read Parquet files as others do, to compare with."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

Files = list[Path]


def by_pandas(files: Files) -> Any:
    return [pd.read_parquet(file) for file in files]


def by_polars(files: Files) -> Any:
    import polars

    return [polars.read_parquet(file) for file in files]


def by_duckdb(files: Files) -> Any:
    """As NumPy arrays: DuckDB has no frames of its own."""
    import duckdb

    connection = duckdb.connect()
    return [connection.execute(f"SELECT * FROM '{file}'").fetchnumpy() for file in files]


READINGS: dict[str, Callable[[Files], Any]] = {
    "pandas": by_pandas,
    "polars": by_polars,
    "duckdb": by_duckdb,
}


def installed() -> list[str]:
    """List the ones that can be measured here."""
    return [name for name in READINGS if find_spec(name)]
