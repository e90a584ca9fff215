"""Damaged input of every kind through every entry point; `-m slow` does thousands and prints what became of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.campaign import campaign
from tests.faults.forkserver import ForkServer
from tests.faults.targets import TARGETS, Material

FEW = 2
MANY = int(os.environ.get("VIDTRACK_FUZZ_CASES", "400"))  # a target
ONCE_THROUGH = {  # seeds of attacks that were no one line when they were first made
    "checkpoint": [63, 3041], "eval_detections": [17, 55], "harmful_pickle": [3074], "hugging_face": [39],
    "read": [39], "training_data": [5, 24], "validate": [3052],
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_damage_is_one_line(server: ForkServer, made: Material, tmp_path: Path, target: str) -> None:
    seeds = [*range(FEW), *ONCE_THROUGH.get(target, ())]
    report = campaign(server, made, target, seeds, tmp_path / "case")
    assert report.findings == []
    assert report.cases == len(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_thousands(
    server: ForkServer, made: Material, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = campaign(server, made, target, range(1000, 1000 + MANY), tmp_path / "case")
    with capsys.disabled():
        print(f"\n{report.line()}")
    assert report.findings == []
