"""Records -> validated frames: `extract` reads, `build` joins, `Dataset` holds them."""

from roadmap_analytics.frames.build import RunRecords, build, build_tables
from roadmap_analytics.frames.dataset import Dataset, load, read_roadmaps

__all__ = ["Dataset", "RunRecords", "build", "build_tables", "load", "read_roadmaps"]
