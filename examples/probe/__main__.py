"""Makes `python -m examples.probe` work."""

import sys

from examples.probe.cli import main

sys.exit(main())
