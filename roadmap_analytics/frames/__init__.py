"""Records -> validated frames: `extract` reads, `build` joins, `Dataset` holds them.

`Scan` stands for datasets that are too large for memory: it holds their frames in partitions.
"""

from roadmap_analytics.frames.build import RunRecords, build, build_parts, build_tables, whole
from roadmap_analytics.frames.dataset import Dataset, given, load, read_roadmaps
from roadmap_analytics.frames.partitions import BY_ISSUE, Scan, scan

__all__ = [
    "BY_ISSUE",
    "Dataset",
    "RunRecords",
    "Scan",
    "build",
    "build_parts",
    "build_tables",
    "given",
    "load",
    "read_roadmaps",
    "scan",
    "whole",
]
