"""What it costs to build every frame from stored records.

Usage: python benchmarks/bench_frames.py [ISSUES ...]      (default: 50000)

Exit code 1 where the process needs more than 1 GiB and 7 KiB for every issue: a million issues
must fit in 8 GiB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from roadmap_analytics import frames, store

BASE, PER_ISSUE = 2**30, 7 * 2**10


def measure(folder: Path, issues: int) -> bool:
    """Print what one dataset costs; tell whether it stays within the limit."""
    manifest = store.read_manifest(folder)
    counts: dict[str, int] = {}
    began, busy = time.perf_counter(), time.process_time()
    rows: Counter[str] = Counter()
    records = store.Records(folder, manifest.runs)
    for part in frames.build_tables(records, config=manifest.config, counts=counts):
        rows.update({name: len(frame) for name, frame in part.items()})
    busy, taken = time.process_time() - busy, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    limit = BASE + PER_ISSUE * issues
    print(
        f"{rows['issues']:,} issues, {rows['issue_events']:,} rows of history: "
        f"{taken:.1f} s ({busy:.1f} s of processor, {issues / busy:,.0f} issues/s), "
        f"{peak / 2**30:.2f} GiB at most (limit {limit / 2**30:.2f})"
    )
    print("  " + ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())))
    return peak <= limit


def main(sizes: list[int]) -> int:
    """Simulate datasets of these sizes, smallest first, and build their frames."""
    within = True
    for issues in sorted(sizes):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "roadmap_analytics", "simulate", "--to", folder]
            command += ["--issues", str(issues), "--seed", "1"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            within &= measure(Path(folder), issues)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]] or [50_000]))
