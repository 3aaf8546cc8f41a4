"""Runs the command line: `python -m interlane` is `interlane`."""

import sys

from interlane.cli import main

if __name__ == "__main__":
    sys.exit(main())
