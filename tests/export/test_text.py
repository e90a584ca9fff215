"""Names that no program may trip over."""

from __future__ import annotations

from pathlib import Path

from tests.export.readers import (
    read_nodes,
    run_lua,
    run_script,
)
from tests.export.scenes import moving, scene_of, write_log
from vidtrack.export import after_effects_script, blender, fusion, nuke


def test_names_no_program_trips_over(tmp_path: Path) -> None:
    log = write_log(tmp_path / "we\"ird 'clip' {é}.tracks.jsonl", {1: moving(3)}, range(3), path=Path('a"b\\{c} é.mp4'))
    scene = scene_of(log)
    read_nodes(nuke.write(scene))
    run_lua(fusion.write(scene))
    run_script(after_effects_script.write(scene))
    compile(blender.write(scene), "script", "exec")
    assert scene.name == "{c} é"
