"""Charts: one file per family; frames in, `Axes` out. They draw and never aggregate."""
