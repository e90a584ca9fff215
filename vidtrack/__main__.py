"""`python -m vidtrack` is `vidtrack`."""

from vidtrack.cli.app import run

run()
