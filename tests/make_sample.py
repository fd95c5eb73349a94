"""Make ``data/sample`` anew: one simulated world, exported on four days by the real exporter.

Run as ``python -m tests.make_sample [DIR]``. The world is served on loopback; the dataset names
the origin of the world instead of the port, and says that it is simulated.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from roadmap_analytics import config, frames, gitlab_export, simulate, store
from tests.gitlab_server import LoopbackGitLab, running

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ISSUES, SEED = 640, 3
DAYS = ["2026-04-30T18:00:00Z", "2026-07-10T18:00:00Z", "2026-09-30T18:00:00Z", simulate.NOW]
GROUP, OPERATIONS = "beacon", "harbour/services/beacon-logs"
ROADMAPS = gitlab_export.Place("beacon/project/documentation", "archive/*-roadmap.md", None)
SETTINGS = config.parse("""
[people]
ada = ["ada.old"]

[calendar]
timezone = "UTC"
holidays = ["2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01", "2027-01-06"]
"summer holidays" = "2026-07-06/2026-08-09"
""")


def served(seen_at: str) -> Iterator[dict[str, Any]]:
    """The world as the server takes it: labels one by one."""
    for record in simulate.records(ISSUES, SEED, seen_at=seen_at):
        if record["kind"] != "labels":
            yield record
        elif record["container"]["path"] == GROUP:
            for ident, name in record["names"].items():
                label = {"id": int(ident), "name": name}
                yield {"kind": "label", "container": record["container"], "data": label}


def export(server: LoopbackGitLab, to: Path) -> None:
    """One run, as the command ``export`` makes it."""
    addresses = [gitlab_export.parse_address(f"{server.url}/{p}") for p in (GROUP, OPERATIONS)]
    # One request at a time, so that the records always come in the same order.
    request = gitlab_export.Request(addresses, jobs=1, documents=ROADMAPS)
    known = gitlab_export.Known()
    job = gitlab_export.Export(request, known)
    job.connect()
    asked = {
        "urls": [f"{simulate.ORIGIN}/{path}" for path in (GROUP, OPERATIONS)],
        "roadmaps": f"{ROADMAPS.project}:{ROADMAPS.pattern}",
    }
    with store.open_run(to, origin=simulate.ORIGIN, asked=asked, started_at=job.started_at) as run:
        records = run.records()
        for one in records.runs[:-1]:
            known.add(one.started_at, records.of(one))
        known.histories = lambda: run.records()(["history"])
        for record in job.records():
            run.write(record)
        settings = SETTINGS.for_dataset()
        run.commit(
            frames.build_tables(run.records(), config=settings),
            ended_at=job.ended_at,
            config=settings,
            requests=job.requests,
            failures=[failure._asdict() for failure in job.failures],
            simulated=True,
        )


def make(to: Path) -> None:
    """Write the sample into a new folder."""
    environment = {"GITLAB_PRIVATE_TOKEN": LoopbackGitLab.token}
    with mock.patch.dict(os.environ, environment), running() as server:
        for day in DAYS:
            server.load(served(day), now=day)
            export(server, to)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    shutil.rmtree(target, ignore_errors=True)
    make(target)
