"""What a process imports before it forks exports: the command, and what its first run loads.

The first validation of a frame imports more of pandera than `import pandera` does, for seconds.
"""

from roadmap_analytics import cli, export, schema

__all__ = ["cli", "export"]

schema.validate("issues", schema.empty("issues"))
