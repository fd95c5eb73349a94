"""What is left, who carries it, what slipped: GitLab's history and roadmap documents as frames."""

from roadmap_analytics.burndown import (
    burndown,
    burndowns,
    carried_over,
    milestone_progress,
    scope_changes,
)
from roadmap_analytics.charts.workload import (
    plot_duties,
    plot_workload,
    plot_workload_history,
    plot_workload_plan,
)
from roadmap_analytics.frames import Dataset, load, read_roadmaps
from roadmap_analytics.history import state_at
from roadmap_analytics.workload import (
    duties,
    workload,
    workload_by_milestone,
    workload_history,
    workload_plan,
)

__all__ = [
    "Dataset",
    "burndown",
    "burndowns",
    "carried_over",
    "duties",
    "load",
    "milestone_progress",
    "plot_duties",
    "plot_workload",
    "plot_workload_history",
    "plot_workload_plan",
    "read_roadmaps",
    "scope_changes",
    "state_at",
    "workload",
    "workload_by_milestone",
    "workload_history",
    "workload_plan",
]
