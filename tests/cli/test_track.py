from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.datasets.mot import log_rows
from vidtrack.video import probe

Run = Callable[..., Ended]
FRAMES = 20


@pytest.fixture
def det(tmp_path: Path) -> Path:
    """Two people who walk past each other, one at 64x48 and one behind, as MOT rows."""
    rows = []
    for frame in range(1, FRAMES + 1):
        rows.append(f"{frame},-1,{2 + 2 * frame},11,10,25,0.8,-1,-1,-1")
        rows.append(f"{frame},-1,{54 - 2 * frame},5,6,15,0.7,-1,-1,-1")
    path = tmp_path / "det.txt"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=FRAMES, size=(64, 48)))


def test_detections_become_a_log_beside_them(vidtrack: Run, det: Path) -> None:
    ended = vidtrack("track", det, "--image-size", "64x48", "--framerate", "10")
    assert ended.code == 0
    assert ended.err.startswith("det.txt: 20 frames, 2 tracks")
    log = TrackLog.load(det.with_name("det.tracks.jsonl"))
    assert (log.header.source.size, log.frame_indices.tolist()) == ((64, 48), list(range(FRAMES)))
    np.testing.assert_allclose(log.frame_seconds, np.arange(FRAMES) / 10)
    assert set(log.ids.tolist()) == {1, 2}
    assert vidtrack("validate", det.with_name("det.tracks.jsonl")).code == 0


def test_boxes_without_area_in_the_log_are_left_out(vidtrack: Run, tmp_path: Path) -> None:
    boxes = {"speck": "30,11,0.001,0.001", "sliver": "40,11,0.004,20", "edge": "65,11,10,20", "dot": "50,11,0.5,0.5"}
    det, log = tmp_path / "det.txt", tmp_path / "det.tracks.jsonl"
    for name, box in boxes.items():
        rows = [
            f"{frame},-1,2,11,10,25,0.8,-1,-1,-1\n{frame},-1,{box},0.9,-1,-1,-1\n" for frame in range(1, FRAMES + 1)
        ]
        det.write_text("".join(rows))
        assert vidtrack("track", det, "--image-size", "64x48", "--overwrite").code == 0
        assert len(set(TrackLog.load(log).ids.tolist())) == 1 + (name == "dot")
        assert vidtrack("validate", log).code == 0


def test_the_boxes_of_the_log_are_those_of_the_detections(vidtrack: Run, det: Path, tmp_path: Path) -> None:
    assert vidtrack("track", det, "--image-size", "64x48", "-o", tmp_path / "out.jsonl").code == 0
    rows = log_rows(TrackLog.load(tmp_path / "out.jsonl"))
    large = rows[(rows.boxes_xyxy[:, 3] - rows.boxes_xyxy[:, 1]) > 20]
    np.testing.assert_allclose(large.boxes_xyxy[:, 0], 2 + 2 * large.frames, atol=0.5)
    assert len(set(large.ids.tolist())) == 1


def test_with_the_clip_a_video_is_drawn_and_times_are_its_own(vidtrack: Run, det: Path, clip: Path) -> None:
    assert vidtrack("track", det, clip).code == 0
    log = TrackLog.load(clip.with_name("clip.tracks.jsonl"))
    assert log.header.source.path == str(clip)
    assert log.frame_pts[1] == 1 / (25 * log.time_base)
    assert probe(clip.with_name("clip.tracked.mp4")).size == (64, 48)


def test_the_log_streams_to_standard_output(vidtrack: Run, det: Path) -> None:
    ended = vidtrack("track", det, "--image-size", "64x48", "-o", "-")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert (lines[0]["type"], lines[-1]["status"]) == ("header", "complete")


def test_boxes_of_smaller_images_are_scaled_to_the_clip(vidtrack: Run, clip: Path, tmp_path: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 32, "height": 24} for n in range(FRAMES)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [4, 4, 8, 16], "score": 0.9} for n in range(FRAMES)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "dog"}]}
    (tmp_path / "small.json").write_text(json.dumps(content))
    assert vidtrack("track", tmp_path / "small.json", clip, "-o", tmp_path / "small.jsonl").code == 0
    log = TrackLog.load(tmp_path / "small.jsonl")
    np.testing.assert_allclose(log.boxes_xyxy[-1], [8, 8, 24, 40], atol=0.01)
    assert log.header.model.classes == ("dog",)


def test_detections_of_another_clip_are_refused(vidtrack: Run, det: Path, tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mp4", Clip(frames=10, size=(64, 48)))
    assert_one_line(vidtrack("track", det, short), 2, "detections in frame 20", "10 frames", "is it the right clip?")


def test_what_is_missing_is_asked_for(vidtrack: Run, det: Path, tmp_path: Path) -> None:
    assert_one_line(vidtrack("track", det), 2, "how large its images are", "--image-size WIDTHxHEIGHT")
    assert_one_line(vidtrack("track", det, "-o", tmp_path / "a.mp4"), 2, "needs the clip")
    assert_one_line(vidtrack("track", tmp_path / "none.txt"), 2, "cannot read", "none.txt")
    assert_one_line(vidtrack("track", det, "--score-range", "5"), 2, "'5' is not a range: use LOW,HIGH")
    assert_one_line(vidtrack("track", det, "--classes", "dog", "--image-size", "64x48"), 2, "has no class 'dog'")


def test_nothing_is_replaced_unasked(vidtrack: Run, det: Path) -> None:
    assert vidtrack("track", det, "--image-size", "64x48").code == 0
    assert_one_line(vidtrack("track", det, "--image-size", "64x48"), 2, "already exists")
    assert vidtrack("track", det, "--image-size", "64x48", "--overwrite").code == 0


def test_a_run_without_tracks_says_why(vidtrack: Run, det: Path) -> None:
    ended = vidtrack("track", det, "--image-size", "64x48", "--score", "0.95")
    assert ended.code == 0
    assert "no tracks: the best score is 0.80, a track starts at 0.95" in ended.err
