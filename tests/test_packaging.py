"""What is handed on is whole: the source distribution, and the wheel made of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_HANDED_ON = {".gitignore"}
OF_SETUPTOOLS = {"PKG-INFO", "setup.cfg"}


def setup(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "VIDTRACK_BUILD": "0"}
    command = [sys.executable, "setup.py", "-q", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_source_distribution_holds_all_and_makes_a_whole_wheel(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is nothing to compare with")
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    for name in tracked:
        target = tmp_path / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    setup(tmp_path / "tree", "sdist", "--dist-dir", str(tmp_path))
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert tracked - names == NOT_HANDED_ON
    assert {name for name in names - tracked if ".egg-info/" not in name} == OF_SETUPTOOLS

    unpacked = next(path for path in tmp_path.glob("vidtrack-*") if path.is_dir())
    setup(unpacked, "bdist_wheel", "--dist-dir", str(tmp_path))
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    package = {name for name in tracked if name.startswith("vidtrack/")}
    data = {f"vidtrack/{name}" for name in tracked if name.startswith("weights/") and name.count("/") == 1}
    assert package | data == {name for name in held if ".dist-info/" not in name}
