"""`python -m vidtrack` is `vidtrack`."""

import sys

from vidtrack.cli.app import main

sys.exit(main())
