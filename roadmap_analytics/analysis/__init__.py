"""Frames in, frames out: what the numbers are."""
