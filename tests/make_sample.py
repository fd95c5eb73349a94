"""Rebuild ``data/sample``: one simulated world, exported on several days by the real exporter.

Run as ``python -m tests.make_sample [DIR]``. The world is served on loopback; the dataset names
the origin of the world instead of the port, and says that it is simulated. Without DIR the page
``data/README.md``, which says what is in it, is written too.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from roadmap_analytics import config, frames, gitlab, schema, simulate, store
from tests.gitlab_server import LoopbackGitLab, running

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
README = SAMPLE.parent / "README.md"
ISSUES, SEED = 640, 70213
DAYS = [
    *(f"{day}T18:00:00Z" for day in ("2025-06-30", "2025-09-30", "2025-12-15", "2026-03-16")),
    *(f"{day}T18:00:00Z" for day in ("2026-05-29", "2026-07-10", "2026-09-30")),
    simulate.NOW,
]
GROUP, OPERATIONS = "beacon", "harbour/services/beacon-logs"
ROADMAPS = gitlab.Place("beacon/project/documentation", "archive/*-roadmap.md", None)
SETTINGS = config.parse("""
[people]
ada = ["ada.old"]

[calendar]
timezone = "UTC"
holidays = ["2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01", "2027-01-06"]
"summer holidays" = "2026-07-06/2026-08-09"
""")


HEAD = f"""# Data

`sample/` is a dataset to try everything on, and what the notebooks show unless you name
another one. **It is simulated**: the group, its people, its plans and every word of them are made
up. It bears the shape of a real project: a team of seven with milestones of the group across
several projects, an operations project outside the group, issues that drift in and out of
milestones, dates that move, and a roadmap document that is rewritten every few months.

Its measures lie where those of real projects do: 7 of 16 milestones were closed with open issues, a
fifth of the scope was open on the day before, a quarter of the issues were in two milestones or
more, a third of the due dates were met, a quarter of the issues were closed within a week and a
tenth after more than a year, and the pace changes from season to season. `tests/likeness.py`
defines each measure and its band. The world's seed was chosen so that the running milestones
differ: one is overdue, one at risk, one on time and one without a due date.

`make sample` rebuilds it to the same bytes: `roadmap_analytics.simulate` makes a world of
{ISSUES} issues from seed {SEED}, a GitLab on loopback serves it as it stood on {len(DAYS)} days
({", ".join(day[:10] for day in DAYS)}), and on each of them the exporter makes one run, the first
whole, the others of what had changed. That is how a team's dataset grows, and why
`milestone_dates` knows due dates that no GitLab remembers. A test holds the sample to that command.

What is odd in it is odd on purpose, as it is on real servers: milestones set at creation without
an event, imported issues whose history begins late, events of a deleted label or user, a person
with an older account (`ada.old`, joined to `ada` by the configuration in the manifest), one who
left with work still assigned, moved issues and their copies, deleted issues, confidential ones,
and titles that a careless chart or page would trip over. `simulate.oddities` lists and counts them.

## Files

- `sample/manifest.json`: origin, runs, configuration (people, calendar, labels), and every valid
  file with its rows and hash.
- `sample/records/RUN/KIND-0001.jsonl.zst`: what the server answered in that run, one JSON record a
  line; kinds and fields stand in [docs/dataset.md](../docs/dataset.md).
- `sample/records/RUN/document-0001.jsonl.zst`: revisions of the roadmap, word for word, in the
  three layouts of the real series that they are modelled on.
- `sample/tables/RUN/FRAME.parquet`: one frame each, made from the records of all runs, as follows.

## Tables

Units are in the names: `_at` is an instant in UTC, `_date` a calendar day, `_hours` and `_days`
numbers of them (a working day has 8 hours, as in GitLab). Weights have no unit. Missing is null.
"""


def readme() -> str:
    """The page on the data: what each file is, its columns and units."""
    parts = [HEAD]
    for name, model in schema.FRAMES.items():
        grain = " ".join((model.__doc__ or "").split())
        parts.append(f"\n### `{name}.parquet`\n\n{grain}\n\n")
        for row in schema.describe(name).to_dict("records"):
            gaps = ", may be missing" if row["may_be_missing"] else ""
            parts.append(f"- `{row['column']}` ({row['type']}{gaps}): {row['description']}\n")
    return "".join(parts)


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
    addresses = [gitlab.parse_address(f"{server.url}/{p}") for p in (GROUP, OPERATIONS)]
    # By REST, whose events are exact to the millisecond: GraphQL knows whole seconds.
    request = gitlab.Request(addresses, jobs=2, documents=ROADMAPS, via="rest")
    known = gitlab.Known()
    job = gitlab.Export(request, known, now=lambda: dt.datetime.fromisoformat(simulate.NOW))
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
        for record in sorted(job.records(), key=_place):
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


def _place(record: dict[str, Any]) -> tuple[str, int]:
    """Where a record goes: the exporter yields issues as their histories arrive."""
    return record["kind"], record.get("issue_id") or record.get("data", {}).get("id", 0)


def make(to: Path) -> None:
    """Write the sample, in place of the one that is there."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "sample"
        _make(fresh)
        (fresh / ".lock").unlink(missing_ok=True)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(fresh, to)


def _make(to: Path) -> None:
    environment = {"GITLAB_PRIVATE_TOKEN": LoopbackGitLab.token}
    with mock.patch.dict(os.environ, environment), running() as server:
        for day in DAYS:
            server.load(served(day), now=day)
            export(server, to)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        make(Path(sys.argv[1]))
    else:
        make(SAMPLE)
        README.write_text(readme(), "utf-8")
