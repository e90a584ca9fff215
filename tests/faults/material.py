"""Whole files of every kind that is read, to be damaged: clips, images, logs, checkpoints, recipes, annotations."""

from __future__ import annotations

import contextlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import torch
from msgspec.structs import replace

from tests.media import EXAMPLE_CLIP, Clip, example_frames, write_clip, write_interlaced
from tests.networks import TINY, TINY_PAPER
from tests.tracklog.logs import made_log
from vidtrack.batch.manifest import DONE, RUNNING, Manifest, Row
from vidtrack.model.checkpoint import save_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face, write_official
from vidtrack.model.detector import DeformableDETR

_FRAMES, _SIZE = 8, (96, 64)
_SMALL: dict[str, Any] = {"frames": _FRAMES, "size": _SIZE}
_CLIPS = {
    "h264.mp4": Clip(**_SMALL, audio="aac", subtitles=((0.0, 0.2, "hello"),), timecode="01:00:00:00"),
    "turned.mp4": Clip(**_SMALL, rotation=90),
    "variable.mp4": Clip(**_SMALL, pts=[0, 1, 4, 5, 9, 10, 11, 20], time_base=Fraction(1, 50)),
    "hevc.mp4": Clip(**_SMALL, encoder="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none"}),
    "h264.mkv": Clip(**_SMALL, subtitles=((0.0, 0.2, "hello"),)),
    "ffv1.mkv": Clip(**_SMALL, encoder="ffv1", pixel_format="yuv420p", options={}),
    "vp9.webm": Clip(**_SMALL, encoder="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "av1.mkv": Clip(**_SMALL, encoder="libsvtav1", options={"preset": "12"}),
    "prores.mov": Clip(**_SMALL, encoder="prores_ks", pixel_format="yuv422p10le", options={}),
    "mpeg4.avi": Clip(**_SMALL, encoder="mpeg4", options={"bf": "2"}),
    "mjpeg.avi": Clip(**_SMALL, encoder="mjpeg", pixel_format="yuvj420p", options={}),
    "mpeg2.ts": Clip(**_SMALL, encoder="mpeg2video", options={}),
    "h264.ts": Clip(**_SMALL),
    "mpeg1.mpg": Clip(**_SMALL, encoder="mpeg1video", options={}),
    "flv1.flv": Clip(**_SMALL, encoder="flv", options={}),
    "wmv2.wmv": Clip(**_SMALL, encoder="wmv2", options={}),
    "theora.ogv": Clip(**_SMALL, encoder="libtheora", options={}),
    "gif.gif": Clip(**_SMALL, encoder="gif", pixel_format="rgb8", options={}),
    "raw.y4m": Clip(frames=3, size=_SIZE, encoder="rawvideo", options={}),
}  # fmt: skip
_PICTURES = ("png", "jpg", "bmp", "tif", "webp", "ppm", "jp2")
_OFFICIAL = replace(TINY_PAPER, decoder_layers=1, num_classes=2, classes=("person", "car"))


def clips(folder: Path) -> dict[str, bytes]:
    """Short clips by name, in every container and codec of these that this FFmpeg build can write."""
    folder.mkdir(parents=True)
    for name, clip in _CLIPS.items():
        with contextlib.suppress(av.FFmpegError, ValueError):
            write_clip(folder / name, clip)
    write_interlaced(folder / "interlaced.mpg", 6, _SIZE)
    with av.open(str(EXAMPLE_CLIP)) as old, av.open(str(folder / "real.mp4"), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is None or packet.dts * packet.time_base > 1:
                break
            packet.stream = copy
            new.mux(packet)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.stat().st_size}


def pictures() -> dict[str, bytes]:
    """One image by extension."""
    image = example_frames(1, *_SIZE)[0]
    found = {}
    for suffix in _PICTURES:
        with contextlib.suppress(cv2.error):  # not in this build
            found[suffix] = cv2.imencode(f".{suffix}", image)[1].tobytes()
    return found


def log_of(clip: Path, folder: Path) -> str:
    """The lines of a track log of a clip."""
    path = made_log(
        folder / "whole.tracks.jsonl",
        [{1: (5 + n, 5, 30 + n, 40), **({2: (40, 10, 80, 50)} if n not in (3, 4) else {})} for n in range(_FRAMES)],
        {2: 1},
        clip,
    )
    return path.read_text("utf-8")


def manifest(folder: Path) -> bytes:
    """The memory of a batch of two clips: one is done, one was under way when the batch died."""
    held = Manifest(folder / "manifest.sqlite")
    outputs = tuple((f"{name}.{kind}", 1000) for name in "ab" for kind in ("tracked.mp4", "tracks.jsonl"))
    rows = [Row(Path("../in/a.mp4"), 1000, 10**18, f"sha256:{'0' * 64}", "0" * 64, "0" * 64, outputs[:2], DONE, 1)]
    held.put([*rows, Row(Path("../in/b.mp4"), 1000, 10**18, outputs=outputs[2:], state=RUNNING, attempts=1)])
    held.close()
    return (folder / "manifest.sqlite").read_bytes()


def checkpoints(folder: Path) -> dict[str, bytes]:
    """Files of small networks by name: our own, the official repository's in both forms of pickle, Hugging Face's."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    model = DeformableDETR(TINY)
    for head in model.class_embed:
        torch.nn.init.normal_(head.bias, 0.5, 0.1)
    save_checkpoint(model, folder / "own.safetensors", {"note": "tiny"})
    official = DeformableDETR(_OFFICIAL)
    write_official(official, folder / "zip.pth")
    content = torch.load(folder / "zip.pth", weights_only=False)
    torch.save(content, folder / "old.pth", _use_new_zipfile_serialization=False)
    write_hugging_face(official, folder / "hf")
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def recipe() -> dict[str, Any]:
    """A training recipe with every field."""
    from vidtrack.datasets.records import SetConfig
    from vidtrack.training.recipe import DataConfig, TrainConfig

    data = DataConfig(
        train=(SetConfig("pictures", "train.json"), SetConfig("sequence", "seq", "mot", weight=2.0)),
        validation=(SetConfig("held out", "val.json"),),
    )
    return json.loads(json.dumps(TrainConfig(TINY, data, steps=2, batch=2).to_dict()))


def mot_table(frames: int = _FRAMES) -> str:
    """Rows of a MOTChallenge file, two objects a frame."""
    rows = [
        f"{frame},{identity},{10 * identity + frame},{5 * identity},20,30,1,1,1"
        for frame in range(1, frames + 1)
        for identity in (1, 2)
    ]
    return "\n".join(rows) + "\n"


def coco_truth() -> dict[str, Any]:
    """Annotations of three images."""
    return {
        "images": [{"id": n, "width": 96, "height": 64, "file_name": f"{n}.png"} for n in (1, 2, 3)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(TINY.classes, 1)],
        "annotations": [
            {"id": n, "image_id": 1 + n % 3, "category_id": 1 + n % 4, "bbox": [5.0 * n, 4, 20, 20],
             "area": 400, "iscrowd": int(n == 4)}
            for n in range(1, 6)
        ],
    }  # fmt: skip


def coco_results() -> list[dict[str, Any]]:
    """Detections on them."""
    return [
        {"image_id": 1 + n % 3, "category_id": 1 + n % 4, "bbox": [5.0 * n + 1, 4, 20, 20], "score": 0.9 - n / 10}
        for n in range(1, 6)
    ]
