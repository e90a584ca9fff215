"""The `vidtrack` command, also as `python -m vidtrack`; an interrupt while Python still imports ends it quietly."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_INTERRUPTED = 130


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command line; imports nothing from the current folder."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    package = os.path.dirname(os.path.abspath(__file__))
    if sys.path and sys.path[0] == os.getcwd() != os.path.dirname(package):  # as `python -m` puts it there
        del sys.path[0]
    from vidtrack.cli.app import run

    run()


if __name__ == "__main__":
    main()
