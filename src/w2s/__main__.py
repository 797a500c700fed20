"""`python -m w2s`."""

import sys

from w2s.cli import entry

sys.exit(entry())
