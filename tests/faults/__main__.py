"""`python -m tests.faults [TARGET...] --cases 500 --first 0`: attack, and print a table and every finding."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.faults.campaign import campaign
from tests.faults.forkserver import ForkServer
from tests.faults.targets import TARGETS, Material


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--cases", type=int, default=500, help="attacks a target")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--folder", type=Path, help="keep the last case's files here")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.cases)
    with tempfile.TemporaryDirectory() as scratch, ForkServer() as server:
        made = Material(Path(scratch) / "made")
        print("| target | cases | refused | taken | slowest | peak over undamaged | findings |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for target in chosen.targets:
            report = campaign(server, made, target, seeds, chosen.folder or Path(scratch) / "case")
            print(report.line(), flush=True)
            for finding in report.findings:
                print(f"    seed {finding.seed}: {finding.what}: {finding.said.strip()[-600:]!r}", flush=True)


if __name__ == "__main__":
    main()
