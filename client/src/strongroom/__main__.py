"""The program `strongroom`, and `python -m strongroom`: the command line."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line. What it needs is loaded in here, where an interruption is told as at any later moment."""
    try:
        from strongroom.cli import main as run  # loading takes the longest of a short command

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
