"""What is left, who carries it, what slipped: GitLab's history and roadmap documents as frames."""

from roadmap_analytics.burndown import (
    burndown,
    burndowns,
    carried_over,
    current_milestones,
    milestone_progress,
    scope_changes,
)
from roadmap_analytics.charts.burndown import (
    plot_burndown,
    plot_burndowns,
    plot_burnup,
    plot_compared,
    plot_progress,
    plot_scope_changes,
)
from roadmap_analytics.charts.planned import (
    plot_future,
    plot_moved_on,
    plot_planned,
)
from roadmap_analytics.charts.workload import (
    plot_duties,
    plot_workload,
    plot_workload_history,
    plot_workload_plan,
)
from roadmap_analytics.forecast import (
    backtest,
    backtest_forecasts,
    forecast,
    item_milestones,
)
from roadmap_analytics.frames import (
    Dataset,
    load,
    read_roadmaps,
)
from roadmap_analytics.history import (
    state_at,
)
from roadmap_analytics.lead_times import (
    lead_times,
    throughput,
    work_item_age,
)
from roadmap_analytics.planned import (
    future_issues,
    future_work,
    moved_on,
    moved_on_counts,
    planned_work,
)
from roadmap_analytics.quality import (
    check,
)
from roadmap_analytics.workload import (
    duties,
    workload,
    workload_by_milestone,
    workload_history,
    workload_plan,
)

__all__ = [
    "Dataset",
    "backtest",
    "backtest_forecasts",
    "burndown",
    "burndowns",
    "carried_over",
    "check",
    "current_milestones",
    "duties",
    "forecast",
    "future_issues",
    "future_work",
    "item_milestones",
    "lead_times",
    "load",
    "milestone_progress",
    "moved_on",
    "moved_on_counts",
    "planned_work",
    "plot_burndown",
    "plot_burndowns",
    "plot_burnup",
    "plot_compared",
    "plot_duties",
    "plot_future",
    "plot_moved_on",
    "plot_planned",
    "plot_progress",
    "plot_scope_changes",
    "plot_workload",
    "plot_workload_history",
    "plot_workload_plan",
    "read_roadmaps",
    "scope_changes",
    "state_at",
    "throughput",
    "work_item_age",
    "workload",
    "workload_by_milestone",
    "workload_history",
    "workload_plan",
]
