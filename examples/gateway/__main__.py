"""Makes `python -m examples.gateway` work."""

import sys

from examples.gateway.cli import main

sys.exit(main())
