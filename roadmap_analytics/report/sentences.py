"""What a result says, in one sentence: computed, never written by hand.

Each function takes a frame as its analysis returns it and works for empty ones too: it then says
what is missing. Titles go in as they are; who shows them escapes them.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from roadmap_analytics.analysis.slippage import slip_per_revision
from roadmap_analytics.charts._style import day_words, number, percent
from roadmap_analytics.report.text import isolated


def burndown(frame: pd.DataFrame) -> str:
    """Say what is left of one milestone, from what `burndown` returns.

    Examples
    --------
    >>> frame = pd.DataFrame({"scope": [8, 9], "remaining": [8, 4], "days_to_due": [20, 12]})
    >>> frame.attrs = {"title": "R1", "unit": "issues", "committed": 8}
    >>> burndown(frame)
    'R1: 4 of 9 issues remain, 12 days before it is due.'
    """
    title, unit = (
        isolated(frame.attrs.get("title", "The milestone")),
        frame.attrs.get("unit", "issues"),
    )
    if frame.empty:
        start, day = frame.attrs.get("start_date"), frame.attrs.get("as_of")
        if start and day and start > day:
            return f"{title} starts on {day_words(start)}; it had not started by {day_words(day)}."
        return f"{title} has never had an issue."
    last = frame.iloc[-1]
    if last["remaining"] == 0:
        return f"{title}: all {number(last['scope'])} {unit} are done."
    left = f"{title}: {number(last['remaining'])} of {number(last['scope'])} {unit} remain"
    return f"{left}, {_until(last['days_to_due'])}."


def burnup(frame: pd.DataFrame) -> str:
    """Say how scope and completed work grew, from what `burndown` returns."""
    if frame.empty:
        return "There is no scope to show."
    last, unit = frame.iloc[-1], frame.attrs.get("unit", "issues")
    began = float(frame.attrs.get("committed") or 0)
    change = float(last["scope"]) - began
    grew = (
        "Scope has not changed since the start"
        if change == 0
        else f"Scope {'grew' if change > 0 else 'shrank'} by {number(abs(change))} "
        f"{_unit(abs(change), unit)} since the start, from {number(began)}"
    )
    return f"{grew}; {number(last['completed'])} of {number(last['scope'])} are completed."


def scope_changes(frame: pd.DataFrame) -> str:
    """Say what came and went after the start, from what `scope_changes` returns."""
    if frame.empty:
        return "Nothing was added or removed after the start."
    counts = frame["change"].value_counts()
    kinds = [kind for kind in ("added", "removed", "raised", "lowered") if kind in counts.index]
    # "Raised" and "lowered": a new weight or estimate of an issue that stays.
    told = [f"{_count(int(counts[kinds[0]]), 'issue')} {kinds[0]}"]
    told += [f"{counts[kind]:,} {kind}" for kind in kinds[1:]]
    return f"{_list(told, most=len(told))} after the start."


def milestones(frame: pd.DataFrame) -> str:
    """Say where the milestones that run now stand, from what `current_milestones` returns."""
    if frame.empty:
        return "No active milestone has any issues."
    unit = frame.attrs.get("unit", "issues")
    remaining, scope = frame["remaining"].sum(), frame["scope"].sum()
    said = (
        f"{_count(len(frame), 'active milestone')} with {number(remaining)} of {number(scope)} "
        f"{unit} left"
    )
    late = frame[frame["overdue"]]
    if len(late):
        said += f"; {_names(late['title'])} {'is' if len(late) == 1 else 'are'} past the due date"
    ahead = frame[(frame["days_left"] >= 0).fillna(False)]
    if len(ahead):
        first = ahead.sort_values(["days_left", "milestone_id"]).iloc[0]
        said += (
            f"; next is {isolated(first['title'])}, due {day_words(first['due_date'])} "
            f"with {number(first['remaining'])} left"
        )
    undated = int(frame["due_date"].isna().sum())
    return said + (f"; {undated} without a due date" if undated else "") + "."


def carried_over(frame: pd.DataFrame) -> str:
    """Say what became of unfinished issues, from what `carried_over` returns."""
    if frame.empty:
        return "No milestone has passed its due date with open issues."
    outcomes = frame["outcome"].value_counts().sort_index()
    parts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    said = (
        f"{_count(len(frame), 'issue')} of {_count(frame['milestone_id'].nunique(), 'milestone')} "
        f"{'was' if len(frame) == 1 else 'were'} open on the due day: {parts}"
    )
    again, most = int((frame["times"] > 1).sum()), int(frame["times"].max())
    return f"{said}; {again} not for the first time, {most} times at most." if again else f"{said}."


def planned(frame: pd.DataFrame, weeks: int = 13) -> str:
    """Say how much was closed outside milestones lately, from what `planned_work` returns."""
    last = frame[frame["complete"]].tail(weeks) if len(frame) else frame
    total = 0 if last.empty else int(last[["closed_planned", "closed_unplanned"]].sum().sum())
    if not total:
        return "Nothing was closed in the last weeks."
    outside = int(last["closed_unplanned"].sum())
    return (
        f"Of {total} issues closed in the last {len(last)} full weeks, {outside} "
        f"({percent(outside / total)}) were in no milestone: work that the roadmap did not plan."
    )


def future(frame: pd.DataFrame) -> str:
    """Say what is set aside for later, from what `future_work` returns."""
    if not len(frame) or not frame["issues"].sum():
        return "Nothing is set aside under the Future label or in draft milestones."
    shelves = ", ".join(f"{row['issues']} in {row['shelf']}" for row in frame.to_dict("records"))
    return f"Set aside for later: {shelves}."


def workload(frame: pd.DataFrame) -> str:
    """Say who has most and what has no assignee, from what `workload` returns."""
    held = frame[(frame["person"] != "unassigned") & (frame["open_issues"] > 0)]
    free = float(frame.loc[frame["person"] == "unassigned", "open_issues"].sum())
    alone = f"{number(free)} open {'issue has' if free == 1 else 'issues have'} no assignee"
    if not free:
        alone = "every open issue has an assignee"
    if held.empty:
        return f"No open issue is assigned; {alone}." if free else "No issue is open."
    most = held.iloc[0]
    # Not the sum over people: an issue of two people stands in both rows.
    late = int(frame.attrs.get("overdue_issues", 0))
    overdue = f"; {late or 'none'} {'are' if late > 1 else 'is'} overdue"
    overdue = overdue if "overdue_issues" in frame.attrs else ""
    return (
        f"{_count(len(held), 'person has', 'people have')} open issues; "
        f"{isolated(most['person'])} has the most, {number(most['open_issues'])} "
        f"(median {number(held['open_issues'].median())}); {alone}{overdue}."
    )


def open_issues(frame: pd.DataFrame) -> str:
    """Say how many issues are open, without an assignee and late, from what `open_issues` returns.

    Examples
    --------
    >>> open_issues(pd.DataFrame({"assignees": ["ada", None], "due_date": [pd.NaT, pd.NaT]}))
    '2 open issues; 1 has no assignee.'
    """
    if frame.empty:
        return "No issue is open."
    free = int(frame["assignees"].isna().sum())
    said = f"{_count(len(frame), 'open issue')}; "
    none = f"{free} {'have' if free > 1 else 'has'} no assignee"
    said += none if free else "each has an assignee"
    late = int((frame["due_date"] < pd.Timestamp(frame.attrs.get("as_of", "NaT"))).sum())
    return said + (f"; {late} {'are' if late > 1 else 'is'} past the due date." if late else ".")


def workload_history(frame: pd.DataFrame, weeks: int = 13) -> str:
    """Say whether load rose or fell lately, from what `workload_history` returns by week."""
    if frame.empty:
        return "No issue has ever been open."
    total = frame.groupby("date")["open_issues"].sum().tail(weeks + 1)
    change = float(total.iloc[-1] - total.iloc[0])
    word = "more than" if change > 0 else "fewer than" if change < 0 else "as many as"
    how = f"{number(abs(change))} {word}" if change else word
    weeks_ago = f"{how} {len(total) - 1} weeks ago"
    if frame.attrs.get("split") == "equal":  # in shares the rows add up to the issues
        verb = "is" if total.iloc[-1] == 1 else "are"
        return f"There {verb} {_count(round(total.iloc[-1]), 'open issue')}, {weeks_ago}."
    return (
        f"The open issues of all people add up to {number(total.iloc[-1])}, {weeks_ago}; "
        "an issue with several assignees counts once for each."
    )


def workload_plan(frame: pd.DataFrame) -> str:
    """Say whose weeks ahead are too full, from what `workload_plan` returns."""
    people = frame[frame["person"] != "unassigned"]
    if people.empty:
        return "No assigned open issue has a due date, so there is nothing to spread over weeks."
    full = people[people["level"] == "high"]
    overdue = float(people["overdue_hours"].sum())
    late = (
        f"; {number(round(overdue))} hours are overdue and count on the next working day"
        if round(overdue)
        else ""
    )
    if full.empty:
        return f"Every week is within capacity{late}."
    names = _names(full["person"].drop_duplicates())
    return f"Over capacity in at least one week: {names}{late}."


def duties(frame: pd.DataFrame) -> str:
    """Say where roadmap duties and issues differ, from what `duties` returns."""
    if frame.empty:
        return "There is no roadmap to compare the load with."
    idle = frame[frame["remark"] == "drives without holding any"]
    extra = frame[frame["remark"] == "holds without a duty"]
    free = frame.loc[frame["remark"] == "no owner", "key"].nunique()
    items = frame["key"].nunique()
    owned = (
        f"{free} of {_count(items, 'roadmap item')} {'has' if free == 1 else 'have'} no owner"
        if free
        else f"All {items} roadmap items have an owner"
        if items != 1
        else "The one roadmap item has an owner"
    )
    told = [owned]
    if len(idle):
        told.append(f"{_count(len(idle), 'driver has', 'drivers have')} no issue in their item")
    if people := extra["person"].nunique():
        told.append(
            f"{_count(people, 'person has', 'people have')} issues in items that do not name them"
        )
    return f"{'; '.join(told)}."


def punctuality(frame: pd.DataFrame) -> str:
    """Say how the milestones of the past ended, from what `milestone_progress` returns.

    Only those that are closed, no drafts, and passed their due date count.
    """
    past = frame[(frame["state"] == "closed") & ~frame["draft"] & frame["carried_over"].notna()]
    if past.empty:
        return "No milestone has been closed after its due date yet."
    # `carried_over` is of the due day: what GitLab says now is 0 for most closed milestones.
    late = past[(past["carried_over"] > 0).fillna(False)]
    grown = past[(past["added_after_start"] > past["removed_after_start"]).fillna(False)]
    return (
        f"Of {_count(len(past), 'closed milestone')} {len(late)} had open work on the due day and "
        f"{len(grown)} grew after {'its' if len(past) == 1 else 'their'} start."
    )


def forecast(frame: pd.DataFrame) -> str:
    """Say when it will be over and how sure that is, from what `forecast` returns.

    Of several targets the one with the smallest chance of its due date is named.
    """
    if frame.empty:
        return "There is no milestone to forecast."
    if not frame["remaining"].any():
        return "Nothing is open, so there is nothing to forecast."
    known = frame[frame["p50_date"].notna() & (frame["remaining"] > 0)]
    if known.empty:
        note = frame["note"].dropna()
        return f"No date can be forecast: {note.iloc[0] if len(note) else 'nothing remains'}."
    # One without a due date misses none: it is named only where all are like that.
    row = known.sort_values("chance_by_due_date", na_position="last", kind="stable").iloc[0]
    sure = (
        f"85 % likely by {day_words(row['p85_date'])}"
        if pd.notna(row["p85_date"])
        else "no date reaches 85 %"
    )
    said = (
        f"{isolated(row['title'])}: 50 % likely to be over by {day_words(row['p50_date'])}, {sure}"
    )
    if pd.isna(row["due_date"]):
        return f"{said}; it has no due date."
    chance = percent(row["chance_by_due_date"])
    return f"{said}; the due date {day_words(row['due_date'])} has a chance of {chance}."


def rests_on(frame: pd.DataFrame) -> str:
    """Say what the date of one target rests on and what would change it, from `forecast`."""
    known = frame[frame["rests_on"].notna()]
    if len(known) != 1:
        return ""
    row = known.iloc[0]
    return f"The dates rest on: {row['rests_on']}. What would change most: {row['changes_most']}."


def backtest(frame: pd.DataFrame) -> str:
    """Say what "85 %" has been worth in these data, from what `backtest` returns."""
    row = frame[frame["quantile"] == 0.85]
    if row.empty or not row["recent_forecasts"].iloc[0]:
        return "No forecast date of 85 % has passed yet, so it is not known how often they hold."
    count, held = int(row["recent_forecasts"].iloc[0]), int(row["recent_held"].iloc[0])
    return f"Of the last {_count(count, 'date')} given at 85 %, {held} held."


def attribution(frame: pd.DataFrame) -> str:
    """Say why milestones were late, from what `attribution` returns."""
    if frame.empty:
        return "No milestone has missed its first due date."
    causes = {
        "plan": "a plan that was too tight from the start",
        "carried in": "work carried in from earlier milestones",
        "scope": "work added after the start",
        "pace": "slower closing than before",
    }
    unfinished = int((~frame["finished"]).sum())
    said = (
        f"{_count(len(frame), 'milestone')} missed the first due date, "
        + (f"{unfinished} of them with work still open, " if unfinished else "")
        + f"by a median of {number(frame['slip_days'].median())} days"
    )
    # Of one milestone, parts may cancel out: work that was added, and closed faster. So days of one
    # cause, summed over milestones, can exceed what they slipped in all. A count cannot.
    counts = frame["largest_part"].value_counts()
    most = max(causes, key=lambda name: int(counts.get(name, 0)))
    if most not in counts.index:
        return said + "."
    return f"{said}; in {counts[most]} of {len(frame)}, {causes[most]} was the largest part."


def timeline(frame: pd.DataFrame) -> str:
    """Say what happened to one milestone after its start, from what `milestone_timeline` returns.

    Examples
    --------
    >>> frame = pd.DataFrame({
    ...     "step": ["started", "added", "removed", "date moved", "due"],
    ...     "amount": [6, 2, 1, 14, 3], "due_date": pd.to_datetime(["2025-03-28"] * 5)})
    >>> frame.attrs = {"title": "R1"}
    >>> timeline(frame)
    'R1: 2 added and 1 removed after the start; its due date moved once, by 14 days; 3 issues \
were open when it was due.'
    """
    title = isolated(frame.attrs.get("title", "The milestone"))
    if frame.empty:
        return f"{title}: nothing has happened yet."
    amounts = frame.groupby("step")["amount"].sum()
    came = int(amounts.get("added", 0))
    carried = frame.loc[(frame["step"] == "carried in").to_numpy(), "amount"].sum()
    told = [f"{came} added and {int(amounts.get('removed', 0))} removed after the start"]
    if carried:
        told.append(f"{_count(int(carried), 'issue')} carried in")
    moves = frame[(frame["step"] == "date moved").to_numpy()]
    if len(moves):
        times = "once" if len(moves) == 1 else f"{len(moves)} times"
        told.append(f"its due date moved {times}{_moved_by(frame, moves)}")
    due = frame[(frame["step"] == "due").to_numpy()]
    if len(due):
        left = int(due["amount"].iloc[-1])
        were = "was" if left == 1 else "were"
        told.append(f"{_count(left, 'issue')} {were} open when it was due")
    return f"{title}: {'; '.join(told)}."


def _moved_by(frame: pd.DataFrame, moves: pd.DataFrame) -> str:
    """Say the days of moves of a due date together; a date that was cleared lies between two."""
    days = int(moves["amount"].sum())
    if moves["amount"].isna().any():
        known = frame["due_date"].dropna()
        days = int((known.iloc[-1] - known.iloc[0]).days) if len(known) else 0
    if not days:
        return ""
    together = "" if len(moves) == 1 else " in all"
    return f", by {_count(abs(days), 'day')}{together}{' earlier' if days < 0 else ''}"


def lead_times(frame: pd.DataFrame) -> str:
    """Say how long issues stay open, from what `lead_times` returns."""
    if frame.empty:
        return "There is no issue."
    median, naive = frame.attrs["median_days"], frame.attrs["closed_only_median_days"]
    if median is None:
        return f"Fewer than half of {frame.attrs['issues']:,} issues have been closed."
    return (
        f"Half of all issues are closed within {number(median)} days. Closed issues alone would "
        f"suggest {number(naive)}, because they leave out what is still open."
    )


def throughput(frame: pd.DataFrame, weeks: int = 13) -> str:
    """Say how much is closed per week lately, from what `throughput` returns."""
    last = frame[frame["whole"]].tail(weeks) if len(frame) else frame
    if last.empty:
        return "There is no full week to count yet."
    quiet = int((last["closed"] == 0).sum())
    return (
        f"In the last {len(last)} full weeks, {number(last['closed'].mean())} issues were closed "
        f"and {number(last['added'].mean())} opened per week; in {quiet} of them none was closed."
    )


def slippage(frame: pd.DataFrame) -> str:
    """Say what the newest revision did to the dates, from what `slippage` returns."""
    if frame.empty:
        return "There is no roadmap revision."
    newest = frame["revision"].max()
    rows = frame[frame["revision"] == newest]
    counts = slip_per_revision(frame).iloc[-1]
    later, earlier, new, dropped = map(int, counts[["later", "earlier", "new", "dropped"]])
    said = (
        f"In the roadmap of {day_words(newest)}, {_count(later, 'date')} moved later and {earlier} "
        f"earlier; {_count(new, 'item')} {'is' if new == 1 else 'are'} new and "
        f"{dropped} dropped"
    )
    if not later:
        return said + "."
    worst = rows.sort_values("slip_days", ascending=False, kind="stable").iloc[0]
    return f"{said}; {isolated(worst['title'])} moved most, by {number(worst['slip_days'])} days."


def milestone_slippage(frame: pd.DataFrame) -> str:
    """Say which due dates were moved between exports, from what `milestone_slippage` returns."""
    moved = frame[(frame["slip_days"].fillna(0) != 0)]
    if moved.empty:
        return "No due date changed between exports."
    total = frame.groupby("milestone_id")["total_slip_days"].last()
    return (
        f"The due dates of {_count(moved['milestone_id'].nunique(), 'milestone')} moved between "
        f"exports, {_count(len(moved), 'time')} in all, by up to {number(total.max())} days."
    )


def readings(lines: pd.DataFrame, alarms: pd.DataFrame | None = None) -> str:
    """Say how much of the roadmap documents was read, from `roadmap_lines` and `roadmap_alarms`.

    Examples
    --------
    >>> lines = pd.DataFrame({"revision": ["2025-02-04"] * 3,
    ...     "reading": ["heading", "item", "ignored"]})
    >>> readings(lines)
    '1 item on 3 lines of 1 revision; lines ignored: 1; alarms: 0.'
    """
    if lines.empty and (alarms is None or alarms.empty):
        return "There are no roadmap documents."
    items = int((lines["reading"] == "item").sum())
    ignored = int((lines["reading"] == "ignored").sum())
    revisions = _count(lines["revision"].nunique(), "revision")
    count = 0 if alarms is None else len(alarms)
    return (
        f"{_count(items, 'item')} on {_count(len(lines), 'line')} of {revisions}; "
        f"lines ignored: {ignored:,}; alarms: {count:,}."
    )


def renewals(frame: pd.DataFrame) -> str:
    """Say how late the roadmap itself is renewed, from what `renewal_slippage` returns."""
    known = frame[frame["slip_days"].notna()] if len(frame) else frame
    if known.empty:
        return "No roadmap update can be compared with its planned date yet."
    return (
        f"Roadmap updates came {number(known['slip_days'].median())} days after the planned date "
        f"(median of {_count(len(known), 'update')}), {number(known['slip_days'].max())} at worst."
    )


def promises(frame: pd.DataFrame) -> str:
    """Say which roadmap targets the forecast does not support, from `targets_against_forecast`."""
    gap = frame["gap_p50_days"]
    # Without a date in sight, an even chance of the target would still be a date.
    beyond = frame[gap.isna() & (frame["chance_by_target_date"] < 0.5)]
    late = frame[gap > 0].sort_values("gap_p50_days", ascending=False, kind="stable")
    checked = int(gap.notna().sum()) + len(beyond)
    if not checked:
        return "No roadmap target can be compared with a forecast."
    missed = len(late) + len(beyond)
    if not missed:
        if checked == 1:
            return "The one target that can be checked is no earlier than its forecast."
        return f"All {checked} targets that can be checked are no earlier than their forecast."
    worst = late.head(1)
    told = [
        f"{isolated(str(row.title))} by {number(row.gap_p50_days)} days"
        for row in worst.itertuples()
    ]
    if len(beyond):
        told.append(f"{_names(beyond['title'])} beyond any date that can be forecast")
    return (
        f"{missed} of {_count(checked, 'target')} {'is' if missed == 1 else 'are'} earlier than "
        f"the forecast: {', '.join(told)}."
    )


def decision(row: Any) -> str:
    """Say what to decide about one milestone at risk, from a row of the board.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> decision(SimpleNamespace(
    ...     title="R1", status="unlikely", due=pd.Timestamp("2025-03-28"), chance=0.07,
    ...     remaining=7, unassigned=1, change={"added": 4, "closed": 0},
    ...     due_difference=21, remaining_change=3))
    'R1: 7 % likely by 28 Mar 2025; 1 of 7 open issues has no assignee; 4 issues were added and \
none was closed; GitLab is 21 days later than the roadmap.'
    """
    told = []
    if row.status == "overdue":
        told.append(f"due {day_words(row.due)}, and {_count(row.remaining, 'issue')} still open")
    elif row.chance is None:
        told.append(f"due {day_words(row.due)}, with {_count(row.remaining, 'issue')} open")
    else:
        told.append(f"{percent(row.chance)} likely by {day_words(row.due)}")
    if row.unassigned:
        verb = "has" if row.unassigned == 1 else "have"
        told.append(f"{row.unassigned} of {_count(row.remaining, 'open issue')} {verb} no assignee")
    if row.change is not None and (row.change["added"] or row.change["closed"]):
        added, closed = row.change["added"], row.change["closed"]
        one = f"{_count(added, 'issue') if added else 'no issue'} "
        one += f"{'was' if added < 2 else 'were'} added"
        two = f"{closed or 'none'} {'was' if closed < 2 else 'were'} closed"
        told.append(f"{one} and {two}")
    elif row.change is not None:
        told.append("nothing was closed")
    if row.due_difference:
        days = _count(abs(row.due_difference), "day")
        told.append(
            f"GitLab is {days} {'later' if row.due_difference > 0 else 'earlier'} than the roadmap"
        )
    return f"{isolated(row.title)}: {'; '.join(told)}."


def changed(row: dict[str, Any]) -> list[str]:
    """Say what changed in one milestone, from a row of `changes`; empty where nothing did.

    Examples
    --------
    >>> base = dict.fromkeys(["closed", "reopened", "added", "removed", "moved_on"], 0)
    >>> base |= {"state": "active", "state_before": "active", "due_date_before": None,
    ...          "due_date": pd.Timestamp("2025-03-28"), "chance_before": 0.62, "chance": 0.07}
    >>> changed(base | {"closed": 3, "removed": 2, "moved_on": 1})
    ['3 closed', '2 removed (1 moved on)', 'due date set to 28 Mar 2025', 'chance 7 %, was 62 %']
    """
    told = [f"{row[name]} {name}" for name in ("closed", "reopened", "added") if row[name]]
    if row["removed"]:
        moved = f" ({row['moved_on']} moved on)" if row["moved_on"] else ""
        told.append(f"{row['removed']} removed{moved}")
    before, now = row["due_date_before"], row["due_date"]
    if pd.isna(row["state_before"]):
        told.insert(0, "new")
    elif pd.isna(before) != pd.isna(now):
        told.append("due date cleared" if pd.isna(now) else f"due date set to {day_words(now)}")
    elif not pd.isna(now) and before != now:
        days = int((now - before).days)
        told.append(
            f"due {_count(abs(days), 'day')} {'later' if days > 0 else 'earlier'}, {day_words(now)}"
        )
    if row["state_before"] == "active" and row["state"] == "closed":
        told.append("milestone closed")
    elif not pd.isna(row["chance_before"]) and not pd.isna(row["chance"]):
        # Compared as shown: a change that rounding hides is none to the reader.
        was, chance = percent(row["chance_before"]), percent(row["chance"])
        told += [f"chance {chance}, was {was}"] if chance != was else []
    return told


def roadmap_changes(frame: pd.DataFrame) -> list[str]:
    """Say what newer roadmap revisions changed, from those rows of `slippage`.

    Examples
    --------
    >>> roadmap_changes(pd.DataFrame({
    ...     "title": ["A", "B", "C"], "status": ["new", "continued", "dropped"],
    ...     "slip_days": [None, 21, None]}))
    ['New in the roadmap: A.', 'Dropped from the roadmap: C.', 'Later in the roadmap: B (21 days).']
    """
    told = []
    for status, words in [("new", "New in"), ("done", "Done in"), ("dropped", "Dropped from")]:
        if len(titles := frame.loc[(frame["status"] == status).to_numpy(bool), "title"]):
            told.append(f"{words} the roadmap: {_names(titles, most=8)}.")
    moved = frame["slip_days"].astype("float64")
    for words, mine in [("Later", moved > 0), ("Earlier", moved < 0)]:
        some = frame[mine.to_numpy()]
        if len(some):
            days = [
                f"{isolated(title)} ({_count(abs(int(slip)), 'day')})"
                for title, slip in zip(some["title"], some["slip_days"], strict=True)
            ]
            told.append(f"{words} in the roadmap: {_list(days, most=8)}.")
    return told


def reading_alarms(frame: pd.DataFrame) -> str:
    """Say what to look at in the reading of the roadmap, from what `reading_alarms` returns.

    Examples
    --------
    >>> reading_alarms(pd.DataFrame({"alarm": ["date flagged"] * 6 + ["file not read"]}))
    '7 alarms about how the roadmap was read: date flagged (6) and file not read (1); \
2 of them are only on the page Roadmaps line by line.'
    """
    if frame.empty:
        return "No alarms about how the roadmap was read."
    kinds = frame["alarm"].value_counts(sort=False)
    told = f"{_count(len(frame), 'alarm')} about how the roadmap was read: "
    told += _list([f"{kind} ({count:,})" for kind, count in kinds.items()], most=len(kinds))
    left = len(frame) - 5  # notebooks show so many
    verb = "is" if left == 1 else "are"
    return told + (
        f"; {left:,} of them {verb} only on the page Roadmaps line by line." if left > 0 else "."
    )


# -- words -----------------------------------------------------------------------------------------


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _unit(amount: float, unit: str) -> str:
    return "issue" if amount == 1 and unit == "issues" else unit


def _names(names: Any, most: int = 3) -> str:
    return _list([isolated(str(name)) for name in names], most)


def _list(names: Any, most: int = 3) -> str:
    shown = [str(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _until(days: Any) -> str:
    if pd.isna(days):
        return "and it has no due date"
    if days == 0:
        return "on the day it is due"
    before = days > 0
    return f"{_count(abs(int(days)), 'day')} {'before it is' if before else 'after it was'} due"
