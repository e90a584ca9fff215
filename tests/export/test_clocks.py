"""Clips whose frames or clocks are not those of a plain file: gaps, late video, image sequences."""

from __future__ import annotations

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as Xml

import av
import cv2
import numpy as np
import pytest

from tests.export.scenes import exported, interpreter_with, moving, program, scene_of, write_log
from vidtrack.core.errors import UsageError
from vidtrack.core.types import FileNumbering
from vidtrack.export import cvat, datasets, subtitles
from vidtrack.export.registry import find_formats
from vidtrack.export.run import export_log
from vidtrack.render.style import colour_of

RATE = Fraction(25)
# a screen recording: 80 frames were decoded, and while nothing changed the same one stays for 3 timeline frames
DROPPED = np.cumsum([0, *([1, 1, 3, 1] * 20)][:80]).tolist()


def recording(path: Path, seen: range = range(80), stride: int = 1) -> Path:
    return write_log(
        path, {1: {i: box for i, box in moving(80).items() if i in seen}}, range(0, 80, stride), RATE,
        lambda frame: DROPPED[frame], frame_count=80,
    )  # fmt: skip


def test_datasets_count_the_frames_that_a_decoder_finds(tmp_path: Path) -> None:
    scene = scene_of(recording(tmp_path / "a.jsonl"))
    assert (scene.rate, scene.decoded_count) == (RATE, 80)
    assert scene.frame_count > 80
    coco = json.loads("".join(datasets.write_coco(scene)))
    assert [image["frame_index"] for image in coco["images"]] == list(range(80))
    task = Xml.fromstring(cvat.write(scene)).find(".//task")
    assert task is not None
    assert (task.findtext("size"), task.findtext("stop_frame")) == ("80", "79")
    boxes = [box.attrib for box in Xml.fromstring(cvat.write(scene)).iter("box")]
    assert [box["frame"] for box in boxes] == [str(frame) for frame in range(80)]
    assert {box["outside"] for box in boxes} == {"0"}


def test_a_track_that_ends_is_outside_on_the_next_decoded_frame(tmp_path: Path) -> None:
    boxes = [
        box.attrib
        for box in Xml.fromstring(cvat.write(scene_of(recording(tmp_path / "a.jsonl", range(40))))).iter("box")
    ]
    assert (boxes[-1]["frame"], boxes[-1]["outside"]) == ("40", "1")


def test_a_box_stays_while_the_image_does(tmp_path: Path) -> None:
    log = recording(tmp_path / "a.jsonl")
    (track,) = scene_of(log).tracks
    on_screen = np.searchsorted(DROPPED, track.frames, side="right") - 1  # the decoded frame at each timeline frame
    np.testing.assert_allclose(track.boxes_xyxy, [moving(80)[i] for i in on_screen.tolist()], atol=0.006)
    assert track.indices.tolist() == on_screen.tolist()
    done = export_log(log, find_formats(["ass"]), {"ass": tmp_path / "a.ass"}, _config())
    assert done.notes == ()  # no frame was skipped


def test_a_stride_over_such_a_clip_still_moves_on(tmp_path: Path) -> None:
    (track,) = scene_of(recording(tmp_path / "a.jsonl", range(0, 80, 4), 4)).tracks
    assert len(np.unique(track.boxes_xyxy[:, 0])) > 40
    np.testing.assert_array_equal(np.diff(track.frames), 1)


def _config(**choices: object):  # type: ignore[no-untyped-def]
    from vidtrack.export.build import ExportConfig

    return ExportConfig(**choices)  # type: ignore[arg-type]


def late_video(path: Path, late: Fraction = Fraction(2, 5)) -> Path:
    """A clip whose sound starts `late` seconds before its first frame; the box in frame i is white, 10 i from left."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "1"})
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        sound = container.add_stream("aac", rate=48000, layout="mono")
        for n in range(50):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.pts, samples.sample_rate, samples.time_base = n * 1024, 48000, Fraction(1, 48000)
            container.mux(sound.encode(samples))
        for i in range(12):
            image = np.zeros((96, 160, 3), np.uint8)
            image[20:40, 10 * i : 10 * i + 20] = 255
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = i + round(late * 25), Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def late_log(tmp_path: Path) -> Path:
    from vidtrack.video import probe

    info = probe(late_video(tmp_path / "clip.mkv"))
    boxes = {i: (10.0 * i, 20.0, 10.0 * i + 20, 40.0) for i in range(12)}
    tick = round(1 / (25 * info.time_base))
    return write_log(
        tmp_path / "clip.tracks.jsonl", {1: boxes}, range(12), RATE, lambda i: i * tick, info.time_base,
        path=info.path, start_pts=info.start_pts, container_start_seconds=info.container_start_seconds,
    )  # fmt: skip


def test_players_are_told_times_from_the_start_of_the_container(tmp_path: Path) -> None:
    scene = scene_of(late_log(tmp_path))
    assert float(scene.clock_offset) == pytest.approx(0.4, abs=0.03)  # the encoder delays sound by up to a packet
    start = float(scene.clock_offset)
    first = re.search(r"Dialogue: 0,0:00:(\d\d\.\d\d)", subtitles.write_ass(scene))
    cue = re.search(r"^00:00:(\d\d\.\d{3}) -->", subtitles.write_webvtt(scene), re.M)
    assert first and cue
    assert (float(first[1]), float(cue[1])) == pytest.approx((start, start), abs=0.01)


def test_ffmpeg_draws_on_the_right_frames_of_a_clip_that_starts_late(tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    folder = exported(late_log(tmp_path), "ffmpeg", tmp_path)
    made = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "clip.mkv"),
            "-/filter:v", "boxes.graph",
            "-an", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
        ],
        cwd=folder, capture_output=True, timeout=120,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr.decode()
    frames = np.frombuffer(made.stdout, np.uint8).reshape(-1, 96, 160, 3)
    assert len(frames) == 12
    colour = np.array(colour_of(1))
    for i, frame in enumerate(frames):
        drawn = (np.abs(frame.astype(int) - colour).sum(2) < 120).any(0)
        assert abs(int(np.flatnonzero(drawn)[0]) - 10 * i) <= 1, i


def test_nothing_is_exported_before_the_start(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(10), 2: moving(2)}, range(10), RATE, lambda i: i - 3)
    scene = scene_of(log)
    assert [(track.id, track.frames.tolist()) for track in scene.tracks] == [(1, list(range(7)))]
    assert "-" not in re.findall(r"Dialogue: 0,([^,]*),", subtitles.write_ass(scene))[0]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """b.1020.png to b.1031.png with a white bar at 10 (n - 1020), and their log."""
    for i in range(12):
        image = np.zeros((96, 160, 3), np.uint8)
        image[:, 10 * i : 10 * i + 10] = 255
        cv2.imwrite(str(tmp_path / f"b.{1020 + i}.png"), image)
    return write_log(
        tmp_path / "b.tracks.jsonl", {1: moving(12)}, range(12), RATE, path=tmp_path / "b.%04d.png",
        numbering=FileNumbering("b.%04d.png", 1020),
    )  # fmt: skip


def test_melt_plays_an_image_sequence_from_its_first_number(tmp_path: Path, images: Path) -> None:
    melt = program("melt")
    document = Xml.parse(exported(images, "mlt", tmp_path))
    clip = next(p for p in document.getroot().iter("producer") if p.get("id") == "clip")
    resource = next(p.text for p in clip.iter("property") if p.get("name") == "resource")
    assert resource == f"{tmp_path}/b.%04d.png?begin=1020"
    video = tmp_path / "out.mkv"
    arguments = [melt, str(tmp_path / "b.mlt"), "-consumer", f"avformat:{video}", "vcodec=ffv1", "an=1", "real_time=-1"]
    subprocess.run(arguments, capture_output=True, timeout=120, check=True)
    with av.open(str(video)) as container:
        rows = [frame.to_ndarray(format="gray")[90] for frame in container.decode(video=0)]  # below the boxes
    assert [int(row.argmax()) for row in rows][:12] == [10 * i for i in range(12)]


def test_otio_names_the_images(tmp_path: Path, images: Path) -> None:
    opentimelineio = pytest.importorskip("opentimelineio")
    timeline = opentimelineio.adapters.read_from_file(str(exported(images, "otio", tmp_path)))
    (clip,) = timeline.find_clips()
    reference = clip.media_reference
    assert isinstance(reference, opentimelineio.schema.ImageSequenceReference)
    assert reference.number_of_images_in_sequence() == 12
    first, last = (reference.target_url_for_image_number(n) for n in (0, 11))
    assert (first, last) == ((tmp_path / "b.1020.png").as_uri(), (tmp_path / "b.1031.png").as_uri())


def test_after_effects_and_blender_load_the_first_image(tmp_path: Path, images: Path) -> None:
    first = json.dumps(str(tmp_path / "b.1020.png"))
    for name in ("after-effects-script", "blender"):
        assert first in exported(images, name, tmp_path).read_text("utf-8")
    assert '"sequence": true' in (tmp_path / "b.after-effects.jsx").read_text("utf-8")


def test_blender_finds_every_image(tmp_path: Path, images: Path) -> None:
    python = interpreter_with("bpy")
    script = exported(images, "blender", tmp_path)
    read = (
        f"import bpy, runpy; runpy.run_path({str(script)!r}); clip = bpy.data.movieclips[0]; "
        "markers = [marker.frame for marker in clip.tracking.objects[0].tracks[0].markers if not marker.mute]; "
        "print('FOUND', clip.source, clip.frame_duration, markers == list(range(1, 13)))"
    )
    done = subprocess.run([python, "-c", read], capture_output=True, text=True, timeout=120)
    assert "FOUND SEQUENCE 12 True" in done.stdout, done.stderr


def test_a_folder_of_images_is_linked_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "plates"
    folder.mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / f"{i + 1:03}.png"), np.zeros((96, 160, 3), np.uint8))
    log = write_log(
        tmp_path / "a.tracks.jsonl", {1: moving(3)}, range(3), RATE, path=folder, numbering=FileNumbering("%03d.png", 1)
    )
    done = export_log(
        log,
        find_formats(["blender", "fcpxml"]),
        {"blender": tmp_path / "a.py", "fcpxml": tmp_path / "a.fcpxml"},
        _config(),
    )
    assert json.dumps(str(folder / "001.png")) in (tmp_path / "a.py").read_text("utf-8")
    assert any("Final Cut Pro does not import image sequences" in note for note in done.notes)


def test_images_without_numbers_are_said_to_have_no_link(tmp_path: Path) -> None:
    for name in ("alpha.png", "beta.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((96, 160, 3), np.uint8))
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(2)}, range(2), RATE, path=tmp_path / "*.png")
    done = export_log(log, find_formats(["mlt"]), {"mlt": tmp_path / "a.mlt"}, _config())
    assert any("have no running number" in note for note in done.notes)


def test_one_wrong_frame_number_fills_neither_memory_nor_gap(tmp_path: Path) -> None:
    frames = [*range(10), 50_000]
    boxes = {i: (10.0, 10.0, 30.0, 30.0) for i in frames}
    log = write_log(tmp_path / "a.jsonl", {1: boxes}, frames, RATE)
    scene = scene_of(log)
    assert len(scene.tracks[0].frames) == 11  # far too long a step for a stride
    pieces = list(datasets.write_coco(scene))
    assert len(json.loads("".join(pieces))["images"]) == 50_001
    assert max(map(len, pieces)) < 2 << 20  # written a few at a time


def test_a_log_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    frames = range(0, 1_800_000, 900)
    log = write_log(tmp_path / "a.jsonl", {1: dict.fromkeys(frames, (10.0, 10.0, 30.0, 30.0))}, frames, RATE)
    with pytest.raises(UsageError, match="is a frame number wrong"):
        scene_of(log)
