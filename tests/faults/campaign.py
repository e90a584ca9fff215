"""Many attacks on one target, each judged: success or one clear line, in time, in memory, nothing written elsewhere."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.forkserver import UNCAUGHT, WALL_SECONDS, Ending, ForkServer
from tests.faults.targets import TARGETS, Material, control

PEAK_BYTES = 512 << 20  # over that of the same entry point with an undamaged file
_ERROR = "vidtrack: error: "
_MAKE_LOGS = ("detect", "sequence")


@dataclass(frozen=True)
class Finding:
    """An attack that got through: its seed repeats it."""

    target: str
    seed: int
    what: str
    said: str


@dataclass
class Report:
    """What became of the attacks on a target."""

    target: str
    cases: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    slowest_seconds: float = 0.0
    peak_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    def line(self) -> str:
        """A row of a table: target, cases, refused, taken, slowest, peak, findings."""
        taken = self.codes.get(0, 0)
        return (
            f"| {self.target} | {self.cases} | {self.cases - taken} | {taken} | {self.slowest_seconds:.1f} s | "
            f"{self.peak_bytes >> 20} MiB | {len(self.findings)} |"
        )


def attack(server: ForkServer, made: Material, target: str, seed: int, folder: Path) -> Ending:
    """One case, in a fresh folder that stays for who wants to look."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("in", "out", "home"):
        (folder / name).mkdir(parents=True)
    one = TARGETS[target](made, random.Random(f"{target} {seed}"), folder / "in")
    before = _fingerprint(folder / "in")
    ending = server.run(one.call, one.arguments, folder / "home", [folder / "out"])
    if _fingerprint(folder / "in") != before:
        ending.breaches.append("the input was changed")
    if any((folder / "home").iterdir()):
        ending.breaches.append("something was left in the working folder")
    for left in (folder / "out").rglob("*.partial*"):
        ending.breaches.append(f"{left.name} was left")
    if target in _MAKE_LOGS:
        for log in (folder / "out").rglob("*.tracks.jsonl"):
            checked = server.run("command", ("validate", str(log)), folder / "home", [])
            ending.breaches.extend(checked.out.splitlines()[:3] if checked.code else ())
    return ending


def campaign(server: ForkServer, made: Material, target: str, seeds: Iterable[int], folder: Path) -> Report:
    """Attack a target once a seed, after it was shown to take what is undamaged."""
    report = Report(target)
    with control():
        undamaged = attack(server, made, target, 0, folder)
    if (undamaged.code != 0 or undamaged.breaches) and target != "harmful_pickle":  # none of those is harmless
        said = f"{undamaged.breaches} {undamaged.err}"
        report.findings.append(Finding(target, -1, "an undamaged file does not get through", said))
    for seed in seeds:
        ending = attack(server, made, target, seed, folder)
        peak = max(0, ending.peak_bytes - undamaged.peak_bytes)
        report.cases += 1
        report.codes[ending.code] = report.codes.get(ending.code, 0) + 1
        report.slowest_seconds = max(report.slowest_seconds, ending.seconds)
        report.peak_bytes = max(report.peak_bytes, peak)
        for what in faults_of(ending, peak):
            report.findings.append(Finding(target, seed, what, ending.err[-2000:]))
    return report


def faults_of(ending: Ending, peak_bytes: int) -> list[str]:
    """What is wrong with an ending; nothing for success and for a clear refusal."""
    faults = list(ending.breaches)
    if ending.seconds >= WALL_SECONDS or ending.code in (-24, -9):
        faults.append("did not end in time")
    elif ending.code < 0:
        faults.append(f"the process died of signal {-ending.code}")
    elif ending.code == UNCAUGHT or "Traceback" in ending.err:
        faults.append("a traceback")
    elif ending.code not in (0, 1, 2, 3):
        faults.append(f"exit code {ending.code}")
    if peak_bytes > PEAK_BYTES:
        faults.append(f"{peak_bytes >> 20} MiB more than an undamaged file takes")
    lines = ending.err.splitlines()
    errors = [line for line in lines if line.startswith(_ERROR)]
    if ending.code > 0 and not faults and len(errors) != 1 and not ending.out:
        faults.append(f"{len(errors)} lines that say why")
    if len(errors) == 1 and len(errors[0]) > 2100:
        faults.append(f"an error of {len(errors[0])} characters")
    return faults


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path).encode("utf-8", "surrogateescape"))
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()
