"""Makes `python -m examples.digest` work."""

import sys

from examples.digest.cli import main

sys.exit(main())
