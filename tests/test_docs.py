"""What the documentation shows runs: examples in docstrings, the commands of the README."""

from __future__ import annotations

import doctest
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["vidtrack", "vidtrack.core.boxes", "vidtrack.core.class_names"])
def test_examples_in_docstrings_run(name: str, tmp_path: Path) -> None:
    found = doctest.testmod(import_module(name), extraglobs={"clip": EXAMPLE_CLIP, "folder": tmp_path})
    assert found.attempted > 0
    assert found.failed == 0


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.S)
    lines = [line.partition(" # ")[0] for block in blocks for line in block.splitlines()]
    return [line.partition(" | ")[0].strip() for line in lines if line.startswith("vidtrack ")]


@pytest.mark.parametrize("command", readme_commands())
def test_options_of_the_readme_exist(command: str) -> None:
    from typer.main import get_command

    from vidtrack.cli.app import app

    _, name, *words = shlex.split(command)
    known = {option for parameter in get_command(app).commands[name].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert {word for word in words if word.startswith("--")} <= known


def test_tests_that_the_documents_name_exist() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(r"\btests/[\w/]+\.py", page.read_text("utf-8")):
            assert (ROOT / name).is_file(), f"{page.name} names {name}"


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "weights/README.md",
    ]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
