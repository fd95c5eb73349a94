"""Dates to believe: forecasts of milestones and what earlier ones were worth."""
