"""Roadmap documents: where they come from, what they say, and how items go on."""
