"""`python -m roadmap_analytics`: the same as the command `roadmap-analytics`."""

from roadmap_analytics.cli import main

if __name__ == "__main__":
    main()
