from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Ended, assert_one_line
from tests.media import EXAMPLE_CLIP, example_frames
from vidtrack.datasets.coco import read_coco

Command = Callable[..., Ended]


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path) -> Command:
    """`vidtrack detect` with the tiny model."""
    return lambda *arguments: vidtrack("detect", "--model", tiny_checkpoint, "--score", 0.3, *arguments)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of three sizes, one of which lies on its side as cameras store them."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    first, second, third = (Image.fromarray(image) for image in example_frames(3))
    first.save(folder / "café.jpg", quality=95)
    second.resize((200, 120)).save(folder / "sub" / "b.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    third.rotate(90, expand=True).save(folder / "turned.jpg", quality=95, exif=exif)
    return folder


def record(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_folder_of_photos_becomes_annotated_images_and_one_coco_file(
    detect: Command, photos: Path, tmp_path: Path
) -> None:
    ended = detect(photos, "-o", tmp_path / "out")
    assert (ended.code, ended.out) == (0, ""), ended.err
    file = read_coco(tmp_path / "out" / "detections.json")
    assert [(image.file_name, image.width, image.height) for image in file.images] == [
        ("café.jpg", 160, 68), ("sub/b.png", 200, 120), ("turned.jpg", 160, 68),
    ]  # fmt: skip
    assert len(file.annotations) > 3
    assert all(one.score is not None and one.score >= 0.3 for one in file.annotations)
    for image in file.images:
        boxes = np.array([one.xywh for one in file.annotations if one.image_id == image.id])
        assert (boxes >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= (image.width + 0.02, image.height + 0.02)).all()  # type: ignore[operator]
    made = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert made == {"café.detected.jpg", "sub/b.detected.png", "turned.detected.jpg", "detections.json"}
    assert size_of(tmp_path / "out" / "turned.detected.jpg") == (160, 68)
    assert "3 photos: 3 done" in ended.err


def test_turned_and_upright_photos_have_the_same_objects(detect: Command, tmp_path: Path) -> None:
    upright = Image.fromarray(example_frames(1)[0])
    upright.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 3
    upright.rotate(180).save(tmp_path / "turned.png", exif=exif)
    assert detect(tmp_path, "-o", tmp_path / "out.json").code == 0
    found = record(tmp_path / "out.json")["annotations"]
    boxes = {number: [one["bbox"] for one in found if one["image_id"] == number] for number in (1, 2)}
    assert boxes[1] and boxes[1] == boxes[2]
    assert not list(tmp_path.glob("*.detected.*"))


def test_a_photo_has_its_own_outputs_beside_it(detect: Command, photos: Path) -> None:
    ended = detect(photos / "café.jpg")
    assert ended.code == 0, ended.err
    assert record(photos / "café.detections.json")["images"][0]["file_name"] == "café.jpg"
    assert (photos / "café.detected.jpg").exists()
    assert_one_line(detect(photos / "café.jpg"), 2, "already exist", "--overwrite")
    assert detect(photos / "café.jpg", "--overwrite").code == 0
    assert "done before" in detect(photos / "café.jpg", "--skip-existing").err


def test_the_names_of_outputs_can_be_given(detect: Command, photos: Path, tmp_path: Path) -> None:
    assert detect(photos / "café.jpg", "-o", tmp_path / "x.webp").code == 0
    assert size_of(tmp_path / "x.webp") == (160, 68)
    assert (tmp_path / "x.detections.json").exists()
    assert_one_line(detect(photos, "-o", tmp_path / "y.jpg"), 2, "single image")
    ended = detect(photos / "café.jpg", "-o", "-")
    assert len(json.loads(ended.out)["images"]) == 1
    assert detect(photos / "café.jpg", "-o", tmp_path / "clip.mp4").code == 0  # a clip of one frame
    assert (tmp_path / "clip.tracks.jsonl").exists()


def test_a_bad_photo_costs_one_line_and_the_next_run_does_only_what_is_left(detect: Command, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    ended = detect(photos)
    assert ended.code == 1
    errors = [line for line in ended.err.splitlines() if "error" in line]
    assert len(errors) == 1 and "bad.jpg cannot be decoded" in errors[0]
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*.detected.*")}
    assert len(before) == 3
    Image.fromarray(example_frames(2)[1]).save(photos / "bad.jpg")
    (photos / "turned.detected.jpg").unlink()
    ended = detect(photos)
    assert ended.code == 0
    assert "4 photos: 2 done, 2 done before" in ended.err
    assert len(record(photos / "detections.json")["images"]) == 4
    assert before[photos / "café.detected.jpg"] == (photos / "café.detected.jpg").stat().st_mtime_ns


def test_other_settings_do_all_again(detect: Command, photos: Path) -> None:
    assert detect(photos).code == 0
    assert "3 photos: 3 done" in detect(photos, "--score", 0.35).err
    found = record(photos / "detections.json")["annotations"]
    assert min(one["score"] for one in found) >= 0.35


def test_files_of_others_are_not_replaced(detect: Command, photos: Path) -> None:
    (photos / "detections.json").write_text('{"images": []}')
    assert_one_line(detect(photos), 2, "detections.json already exists")
    assert (photos / "detections.json").read_text() == '{"images": []}'


def test_only_bad_photos_is_exit_code_3(detect: Command, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    assert_one_line(detect(tmp_path / "a.jpg"), 3, "a.jpg is empty")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    assert detect(tmp_path / "a.jpg").code == 3


def test_a_damaged_photo_is_searched_with_a_warning(detect: Command, photos: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(np.tile(example_frames(1)[0], (4, 4, 1))).save(whole, "JPEG", quality=95)
    (photos / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    ended = detect(photos / "cut.jpg")
    assert ended.code == 0
    assert "cut.jpg: warning: cut.jpg is damaged, part of it may be missing" in ended.err


def test_numbered_images_are_a_clip_unless_photos_are_asked_for(detect: Command, tmp_path: Path) -> None:
    for number, image in enumerate(example_frames(4)):
        Image.fromarray(image).save(tmp_path / f"DSC_{number:04}.png")
    ended = detect(tmp_path, "-o", tmp_path / "clip.jsonl")
    assert ended.code == 0
    assert "4 numbered images, read as a clip (--photos" in ended.err
    assert detect(tmp_path, "--photos", "-o", tmp_path / "out.json").code == 0
    assert len(record(tmp_path / "out.json")["images"]) == 4
    ended = detect(*sorted(tmp_path.glob("DSC*.png")), "-o", tmp_path / "each")
    assert "4 numbered images, read as photos (a quoted pattern" in ended.err
    assert len(list((tmp_path / "each").glob("*.detected.png"))) == 4


@pytest.mark.parametrize(
    "options", [("--start", 1), ("--stride", 2), ("--line", "a=0,0,9,9"), ("--timeout", 5), ("--profile",)]
)
def test_options_of_video_are_refused(detect: Command, photos: Path, options: tuple[object, ...]) -> None:
    assert_one_line(detect(photos, *options), 2, "are for video", "--framerate")
    assert not list(photos.rglob("*.detected.*"))


def test_phones_store_a_photo_twice_and_both_are_kept(detect: Command, tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    from pillow_heif import register_heif_opener

    register_heif_opener()
    image = Image.fromarray(example_frames(1)[0])
    image.save(tmp_path / "IMG_1.HEIC")
    image.save(tmp_path / "IMG_1.jpg")
    assert detect(tmp_path, "--photos").code == 0
    assert {path.name for path in tmp_path.glob("*.detected.*")} == {"IMG_1.detected.jpg", "IMG_1.HEIC.detected.jpg"}
    assert "2 done before" in detect(tmp_path, "--photos").err  # its own images are not taken for photos


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_the_colour_profile_is_kept(detect: Command, tmp_path: Path, suffix: str) -> None:
    profile = bytes(range(256)) * 2
    Image.fromarray(example_frames(1)[0]).save(tmp_path / f"a{suffix}", icc_profile=profile)
    assert detect(tmp_path / f"a{suffix}").code == 0
    with Image.open(tmp_path / f"a.detected{suffix}") as image:
        assert image.info["icc_profile"] == profile


def test_classes_and_regions_hold(detect: Command, photos: Path, tmp_path: Path) -> None:
    assert detect(photos, "-o", tmp_path / "all.json").code == 0
    assert detect(photos, "-o", tmp_path / "some.json", "--classes", "person", "--region", "0%,0%,50%,100%").code == 0
    whole, part = record(tmp_path / "all.json"), record(tmp_path / "some.json")
    sizes = {image["id"]: image["width"] for image in part["images"]}
    assert len(part["annotations"]) < len(whole["annotations"])
    for one in part["annotations"]:
        assert one["category_id"] == 1
        assert one["bbox"][0] + one["bbox"][2] / 2 <= sizes[one["image_id"]] / 2


def test_progress_as_json_and_a_report(detect: Command, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    ended = detect(photos, "-o", tmp_path / "o.json", "--progress", "json", "--report", tmp_path / "report.json")
    events = [json.loads(line) for line in ended.err.splitlines()]
    assert [event["event"] for event in events] == ["failed", "made", "made", "made", "made"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert [one["status"] for one in report] == ["failed", "complete", "complete", "complete"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_dangling_link_fails_alone(detect: Command, photos: Path) -> None:
    (photos / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    ended = detect(photos)
    assert ended.code == 1
    assert "gone.jpg does not exist" in ended.err
    assert len(record(photos / "detections.json")["images"]) == 3


def test_a_single_photo_that_fails_leaves_no_file_and_can_be_run_again(
    detect: Command, photos: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "one.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    ended = detect(photo)
    assert ended.code == 3 and "->" not in ended.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["one.jpg"]
    photo.write_bytes((photos / "café.jpg").read_bytes())
    assert detect(photo).code == 0
    assert len(record(tmp_path / "one.detections.json")["images"]) == 1


def test_a_single_photo_is_not_replaced_by_a_run_with_other_settings(detect: Command, photos: Path) -> None:
    assert detect(photos / "café.jpg").code == 0
    before = (photos / "café.detections.json").read_bytes()
    assert_one_line(detect(photos / "café.jpg", "--size", 64), 2, "already exist", "--overwrite")
    assert (photos / "café.detections.json").read_bytes() == before


def test_results_of_photos_that_a_run_does_not_have_are_never_replaced(
    detect: Command, photos: Path, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    Image.fromarray(example_frames(2)[1]).save(others / "café.jpg")
    Image.fromarray(example_frames(2)[1]).save(others / "more.jpg")
    out = tmp_path / "out"
    assert detect(photos, "-o", out).code == 0
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    assert_one_line(detect(others, "-o", out), 2, "another café.jpg", "--overwrite")
    part = photos / "café.jpg", photos / "turned.jpg"
    assert_one_line(detect(*part, "-o", out, "--size", 64), 2, "sub/b.png", "another output", "--overwrite")
    assert {path: path.read_bytes() for path in out.rglob("*.*")} == before
    assert detect(others, "-o", out, "--exclude", "café.jpg").code == 0
    assert [image["file_name"] for image in record(out / "detections.json")["images"]] == [
        "café.jpg", "more.jpg", "sub/b.png", "turned.jpg",
    ]  # fmt: skip
    tmp_path = photos.rename(tmp_path / "moved")
    assert "3 done before" in detect(tmp_path, "-o", out).err


def test_a_folder_that_is_named_like_a_photo_is_a_folder(detect: Command, photos: Path, tmp_path: Path) -> None:
    (photos / "holiday.jpg").mkdir()
    Image.fromarray(example_frames(2)[1]).save(photos / "holiday.jpg" / "a.jpg")
    assert detect(photos, "-o", tmp_path / "out.json").code == 0
    names = [image["file_name"] for image in record(tmp_path / "out.json")["images"]]
    assert names == ["café.jpg", "holiday.jpg/a.jpg", "sub/b.png", "turned.jpg"]
    assert detect(f"{photos}/*.jpg", "--photos", "-o", tmp_path / "glob.json").code == 0
    assert len(record(tmp_path / "glob.json")["images"]) == 2
    for number in range(3):
        (tmp_path / "frames" / f"{number}.png").parent.mkdir(exist_ok=True)
        Image.fromarray(example_frames(1)[0]).save(tmp_path / "frames" / f"{number}.png")
    (tmp_path / "frames" / "3.png").mkdir()
    assert detect(tmp_path / "frames", "-o", tmp_path / "clip.jsonl").code == 0


def test_what_is_not_done_with_photos_is_said(detect: Command, photos: Path, tmp_path: Path) -> None:
    (photos / "clip.mp4").symlink_to(EXAMPLE_CLIP)
    assert_one_line(detect(photos / "clip.mp4", "--photos"), 2, "clip.mp4 is a video", "--photos")
    ended = detect(photos, "-o", tmp_path / "out", "--end", 0.1)
    assert "photos: 2 images beside its videos left out (--photos" in ended.err
    (photos / "clip.mp4").unlink()
    assert_one_line(detect(photos, "--show"), 2, "--show", "photos")
    ended = detect(f"{photos}/c*.jpg", "-o", tmp_path / "x.jsonl")
    assert ended.code == 0 and "1 image, read as a clip (--photos" in ended.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"info": {"description": "of another program"}}, "vidtrack"),
        ({"annotations": [{"id": 1, "image_id": 99, "category_id": 1, "bbox": [1, 1, 2, 2]}]}, "refers to image 99"),
        ({"categories": [{"id": 10**9, "name": "edited by hand"}], "annotations": []}, "has category 1000000000"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--skip-existing",)])
def test_a_coco_file_that_cannot_be_continued_is_never_replaced_unasked(
    detect: Command, photos: Path, change: dict[str, Any], said: str, options: tuple[str, ...]
) -> None:
    path = photos / "detections.json"
    assert detect(photos, "--no-video", "--include", "café*").code == 0
    path.write_text(edited := json.dumps(record(path) | change), "utf-8")
    assert_one_line(detect(photos, "--no-video", *options), 2, "detections.json already exists", said)
    assert path.read_text("utf-8") == edited
    assert detect(photos, "--no-video", "--overwrite").code == 0
    assert len(record(path)["images"]) == 3
