"""Names that no program may trip over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.readers import (
    read_nodes,
    run_lua,
    run_script,
)
from tests.export.scenes import moving, scene_of, write_log
from vidtrack.export import after_effects_script, blender, fusion, nuke
from vidtrack.export.text import file_name


def test_names_no_program_trips_over(tmp_path: Path) -> None:
    log = write_log(tmp_path / "we\"ird 'clip' {é}.tracks.jsonl", {1: moving(3)}, range(3), path=Path('a"b\\{c} é.mp4'))
    scene = scene_of(log)
    read_nodes(nuke.write(scene))
    run_lua(fusion.write(scene))
    run_script(after_effects_script.write(scene))
    compile(blender.write(scene), "script", "exec")
    assert scene.name == "{c} é"


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("person 3", "person 3"),
        ('a<b>:"c"', "a_b___c_"),
        ("..\\up/", "_up_"),
        ("Aux", "_Aux"),
        ("con.tracks", "_con.tracks"),
        ("COM1 .x", "_COM1 .x"),
        ("console", "console"),
        ("...", "object"),
    ],
)
def test_file_names_are_good_on_windows_too(name: str, on_disk: str) -> None:
    assert file_name(name) == on_disk
