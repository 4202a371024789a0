"""Makes `python -m examples.cache_loader` work."""

import sys

from examples.cache_loader.cli import main

sys.exit(main())
