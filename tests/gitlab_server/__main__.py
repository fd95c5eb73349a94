"""Run the server until standard input closes: ``python -m tests.gitlab_server [RECORDS.jsonl]``."""

import argparse
import asyncio
from pathlib import Path

import orjson

from tests.gitlab_server.app import App, serve


def main() -> None:
    """Start the server and say its port on standard output."""
    parser = argparse.ArgumentParser(prog="python -m tests.gitlab_server", description=__doc__)
    parser.add_argument("records", nargs="?", type=Path, help="JSON lines to serve")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    arguments = parser.parse_args()
    app = App()
    if arguments.records:
        lines = arguments.records.read_bytes().splitlines()
        app.world.change(orjson.loads(line) for line in lines)
    asyncio.run(serve(app, arguments.port))


if __name__ == "__main__":
    main()
