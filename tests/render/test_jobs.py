from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.render.scenes import any_clip, write_log
from vidtrack.core.errors import UsageError
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.render.jobs import Plan, is_folder, matte_layer, target_in, target_of
from vidtrack.render.masks import MaskConfig
from vidtrack.render.matte import Matte

LOG = Path("shots/a.tracks.jsonl")


def test_files_are_named_after_the_log_beside_it_or_in_the_folder_given(tmp_path: Path) -> None:
    assert target_of(LOG, None, "redacted", ".mp4") == Path("shots/a.redacted.mp4")
    assert target_of(LOG, "out/", "redacted", ".mp4") == Path("out/a.redacted.mp4")
    assert target_of(LOG, str(tmp_path), "redacted", ".mp4") == tmp_path / "a.redacted.mp4"
    assert target_of(LOG, "b.mov", "redacted", ".mp4") == Path("b.mov")
    assert target_in(LOG, "out", "track-7", ".png") == Path("out/a.track-7.png")
    assert [is_folder(name) for name in ("out", "out/", "out.mp4")] == [True, True, False]


@pytest.mark.parametrize(("output", "said"), [("b.mov", "is a single file"), ("-", "to a stream"), (" ", "is empty")])
def test_several_files_need_a_folder(output: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        target_in(LOG, output, "track-7", ".png")


def test_the_clip_of_a_track_is_its_own_time_with_handles_inside_the_clip(tmp_path: Path) -> None:
    clip = any_clip(tmp_path / "clip.mp4", frames=20)
    box = (40, 20, 90, 70)
    log = write_log(tmp_path / "clip.tracks.jsonl", clip, {1: {5: box, 9: box}, 2: {1: box, 18: box}}, range(20))
    inputs = open_inputs(log, None, TrackSelection())
    layer = matte_layer(inputs.chosen, Matte(MaskConfig()), with_picture=False)
    plan = Plan(inputs, None, None, Fraction(0), None)
    jobs = [item.job for item in plan.clips(layer, Fraction(2, 25))]
    assert [job.path.name for job in jobs] == ["clip.track-1.mp4", "clip.track-2.mp4"]
    assert [(job.start_seconds, job.end_seconds) for job in jobs] == [
        (Fraction(3, 25), Fraction(12, 25)), (Fraction(0), Fraction(21, 25))
    ]  # fmt: skip
    whole = plan.whole(layer, "matte")
    assert (whole.note, whole.values, whole.job.path.name) == ("2 tracks", {"ids": [1, 2]}, "clip.matte.mp4")
