"""`python -m roadmap_analytics`: the same as the command `roadmap-analytics`."""

import os
import sys

if __name__ == "__main__":
    # `python -m` puts the working directory first on the path, and with it whatever modules lie in
    # a folder that was downloaded. This package is found by now. Python itself imports some modules
    # before (importlib, for one); `python -P -m` and the command keep those out, too.
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109 - before pathlib
        del sys.path[0]

    from roadmap_analytics.cli import main

    main()
