"""Makes `python -m examples.shutdown` work."""

import sys

from examples.shutdown.cli import main

sys.exit(main())
