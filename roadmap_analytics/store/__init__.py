"""Runs of records and tables on disk: written so that a crash at any moment loses nothing complete.

Layout of a dataset (described for other readers in docs/dataset.md)::

    manifest.json                          what is valid, with sizes and hashes; written last
    records/<run>/<kind>-0001.jsonl.zst    what the API answered, append-only, one folder per run
    tables/<generation>/<frame>.parquet    frames made from the records; replaced by every run

`manifest` says what is valid, `segments` reads records, `runs` writes them, `tables` reads and
writes frames, `disk` writes and checks single files. `folder` reads datasets elsewhere (fsspec).
"""

from roadmap_analytics.store.disk import foreign, refuse_links
from roadmap_analytics.store.folder import Folder, folders
from roadmap_analytics.store.manifest import (
    FORMAT,
    FORMAT_VERSION,
    OWN_NAMES,
    Manifest,
    Run,
    lock,
    read_manifest,
    verify,
)
from roadmap_analytics.store.runs import OpenRun, open_run
from roadmap_analytics.store.segments import Records, iter_records
from roadmap_analytics.store.tables import read_table, replace_tables, write_copy

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "OWN_NAMES",
    "Folder",
    "Manifest",
    "OpenRun",
    "Records",
    "Run",
    "folders",
    "foreign",
    "iter_records",
    "lock",
    "open_run",
    "read_manifest",
    "read_table",
    "refuse_links",
    "replace_tables",
    "verify",
    "write_copy",
]
