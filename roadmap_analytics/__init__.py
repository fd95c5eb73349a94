"""What is left, who carries it, what slipped: GitLab's history and roadmap documents as frames.

A name is imported when it is first used (PEP 562), so that `roadmap-analytics --version` and a
script that needs one function do not wait for all of pandas, matplotlib and Jupyter. `__init__.pyi`
lists the same names for type checkers and editors; a test compares the two.
"""

# No other module: `python -m roadmap_analytics` runs this before the working directory is off the
# path (see `__main__`), where anybody's typing.py may lie.
from importlib import import_module

_NAMES = {
    "analysis.attribution": ("attribution",),
    "analysis.burndown": (
        "burndown",
        "burndowns",
    ),
    "analysis.forecast.backtest": (
        "backtest",
        "backtest_forecasts",
    ),
    "analysis.forecast.forecast": ("forecast",),
    "analysis.forecast.promises": ("targets_against_forecast",),
    "analysis.duties": ("duties",),
    "analysis.lead_times": (
        "lead_times",
        "throughput",
        "work_item_age",
    ),
    "analysis.load_history": ("workload_history",),
    "analysis.load_plan": ("workload_plan",),
    "analysis.open_work": ("open_issues",),
    "analysis.plan": ("plan_differences",),
    "analysis.planned": (
        "future_work",
        "planned_work",
    ),
    "analysis.progress": (
        "current_milestones",
        "milestone_progress",
    ),
    "analysis.quality": ("check",),
    "analysis.reading": ("reading_alarms", "reading_quality"),
    "analysis.scope": (
        "carried_over",
        "scope_changes",
    ),
    "analysis.since": ("changes",),
    "analysis.slippage": (
        "carry_over_counts",
        "horizon_slippage",
        "milestone_slippage",
        "renewal_slippage",
        "slip_per_revision",
        "slippage",
    ),
    "analysis.timeline": ("milestone_timeline",),
    "analysis.view": ("state_at",),
    "analysis.workload": (
        "workload",
        "workload_by_milestone",
    ),
    "charts.burndown": (
        "plot_burndown",
        "plot_burndowns",
        "plot_burnup",
        "plot_compared",
        "plot_progress",
    ),
    "charts.forecast": (
        "plot_attribution",
        "plot_backtest",
        "plot_forecast",
        "plot_lead_times",
        "plot_throughput",
    ),
    "charts.planned": (
        "plot_future",
        "plot_planned",
    ),
    "charts.slippage": (
        "plot_lifecycle",
        "plot_slip_per_revision",
        "plot_slippage",
    ),
    "charts.timeline": ("plot_timeline",),
    "charts.workload": (
        "plot_duties",
        "plot_workload",
        "plot_workload_history",
        "plot_workload_plan",
    ),
    "export": (
        "doctor",
        "export_dataset",
        "simulate_dataset",
    ),
    "frames": (
        "Dataset",
        "Scan",
        "load",
        "read_roadmaps",
        "scan",
    ),
    "report.build": (
        "write_report",
        "write_roadmap_page",
    ),
    "report.show": (
        "show",
        "table",
    ),
    "report.xray": ("reading_summary",),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value  # Python asks here only for names that it does not find there
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
