"""What is left, who carries it, what slipped: GitLab's history and roadmap documents as frames."""

from roadmap_analytics.analysis.attribution import (
    attribution,
)
from roadmap_analytics.analysis.burndown import (
    burndown,
    burndowns,
)
from roadmap_analytics.analysis.forecast.forecast import (
    backtest,
    backtest_forecasts,
    forecast,
    item_milestones,
)
from roadmap_analytics.analysis.forecast.promises import (
    targets_against_forecast,
)
from roadmap_analytics.analysis.lead_times import (
    lead_times,
    throughput,
    work_item_age,
)
from roadmap_analytics.analysis.planned import (
    future_issues,
    future_work,
    moved_on,
    moved_on_counts,
    planned_work,
)
from roadmap_analytics.analysis.progress import (
    current_milestones,
    milestone_progress,
)
from roadmap_analytics.analysis.quality import (
    check,
)
from roadmap_analytics.analysis.scope import (
    carried_over,
    scope_changes,
)
from roadmap_analytics.analysis.slippage import (
    carry_over_counts,
    horizon_slippage,
    milestone_slippage,
    renewal_slippage,
    slip_by_precision,
    slip_per_revision,
    slippage,
)
from roadmap_analytics.analysis.view import (
    state_at,
)
from roadmap_analytics.analysis.workload import (
    duties,
    workload,
    workload_by_milestone,
    workload_history,
    workload_plan,
)
from roadmap_analytics.charts.burndown import (
    plot_burndown,
    plot_burndowns,
    plot_burnup,
    plot_compared,
    plot_progress,
    plot_scope_changes,
)
from roadmap_analytics.charts.forecast import (
    plot_attribution,
    plot_backtest,
    plot_forecast,
    plot_lead_times,
    plot_throughput,
)
from roadmap_analytics.charts.planned import (
    plot_future,
    plot_moved_on,
    plot_planned,
)
from roadmap_analytics.charts.slippage import (
    plot_lifecycle,
    plot_slip_per_revision,
    plot_slippage,
)
from roadmap_analytics.charts.workload import (
    plot_duties,
    plot_workload,
    plot_workload_history,
    plot_workload_plan,
)
from roadmap_analytics.export import (
    export_dataset,
    simulate_dataset,
)
from roadmap_analytics.frames import (
    Dataset,
    load,
    read_roadmaps,
)
from roadmap_analytics.report.build import (
    write_report,
)

__all__ = [
    "Dataset",
    "attribution",
    "backtest",
    "backtest_forecasts",
    "burndown",
    "burndowns",
    "carried_over",
    "carry_over_counts",
    "check",
    "current_milestones",
    "duties",
    "export_dataset",
    "forecast",
    "future_issues",
    "future_work",
    "horizon_slippage",
    "item_milestones",
    "lead_times",
    "load",
    "milestone_progress",
    "milestone_slippage",
    "moved_on",
    "moved_on_counts",
    "planned_work",
    "plot_attribution",
    "plot_backtest",
    "plot_burndown",
    "plot_burndowns",
    "plot_burnup",
    "plot_compared",
    "plot_duties",
    "plot_forecast",
    "plot_future",
    "plot_lead_times",
    "plot_lifecycle",
    "plot_moved_on",
    "plot_planned",
    "plot_progress",
    "plot_scope_changes",
    "plot_slip_per_revision",
    "plot_slippage",
    "plot_throughput",
    "plot_workload",
    "plot_workload_history",
    "plot_workload_plan",
    "read_roadmaps",
    "renewal_slippage",
    "scope_changes",
    "simulate_dataset",
    "slip_by_precision",
    "slip_per_revision",
    "slippage",
    "state_at",
    "targets_against_forecast",
    "throughput",
    "work_item_age",
    "workload",
    "workload_by_milestone",
    "workload_history",
    "workload_plan",
    "write_report",
]
