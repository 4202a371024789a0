"""Makes `python -m examples.hedged` work."""

import sys

from examples.hedged.cli import main

sys.exit(main())
