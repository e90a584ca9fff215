"""A clip with a textured object that moves over real images, and logs that saw it more or less often."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.media import Clip, example_frames, write_clip
from vidtrack.core.types import FrameTracks, ObjectState
from vidtrack.tracklog import Event, LogWriter, Status, TrackLog
from vidtrack.tracklog.header import ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header
from vidtrack.video import probe

SIZE = (320, 136)
MAGENTA = np.array([255, 0, 255])
Boxes = Mapping[int, Mapping[int, Sequence[float]]]  # identity: frame: box


def object_box(frame: int) -> tuple[int, int, int, int]:
    """Where the object is: it crosses the image at an uneven speed."""
    left = round(20 + 4.5 * frame + 12 * np.sin(frame / 6))
    top = round(40 + 14 * np.sin(frame / 9))
    return left, top, left + 36, top + 44


def moving_object(frames: int) -> list[np.ndarray]:
    """Real images with a magenta and green chequered object on them."""
    pictures = [picture.copy() for picture in example_frames(frames, *SIZE)]
    chequer = (np.indices((44, 36)).sum(axis=0) // 4 % 2).astype(bool)
    for i, picture in enumerate(pictures):
        left, top, right, bottom = object_box(i)
        part = picture[top : min(bottom, SIZE[1]), left : min(right, SIZE[0])]
        own = chequer[: part.shape[0], : part.shape[1]]
        part[own], part[~own] = MAGENTA, (0, 255, 0)
    return pictures


@dataclass(frozen=True)
class Storage:
    """How images are stored; `pts` are in hundredths of a second, by default 25 frames per second."""

    encoder: str = "libx264"
    pixel_format: str = "yuv444p"
    options: Mapping[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "4"})
    rotation: int = 0
    pts: Sequence[int] | None = None


def write_pictures_clip(path: Path, pictures: Sequence[np.ndarray], storage: Storage = Storage()) -> Path:
    """A clip of these images as they are to be shown, by default almost without loss."""
    stored = [np.ascontiguousarray(np.rot90(picture, -storage.rotation // 90)) for picture in pictures]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(storage.encoder, rate=25, options=dict(storage.options))
        context = stream.codec_context
        context.height, context.width = stored[0].shape[:2]
        context.pix_fmt, context.time_base = storage.pixel_format, Fraction(1, 25 if storage.pts is None else 100)
        context.colorspace = 6
        if storage.rotation:
            stream.set_display_rotation(storage.rotation)
        for i, picture in enumerate(stored):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame = frame.reformat(format=storage.pixel_format, dst_colorspace=5)
            frame.pts, frame.time_base = i if storage.pts is None else storage.pts[i], context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def object_clip(path: Path, frames: int) -> Path:
    """The moving object as a file."""
    return write_pictures_clip(path, moving_object(frames))


def any_clip(path: Path, **choices: Any) -> Path:
    """A piece of the example clip."""
    return write_clip(path, Clip(**{"size": SIZE, **choices}))


def write_log(
    path: Path,
    clip: Path,
    boxes: Boxes,
    frames: Sequence[int],
    pts: Sequence[int] | None = None,
    unsure: Collection[int] = (),
    cuts: Collection[int] = (),
    status: str | None = "complete",
    parameters: Mapping[str, Any] | None = None,
) -> Path:
    """A log of `clip` at these decoded frames; in those of `unsure` scores are low, `cuts` begin new shots.

    `status` None leaves the log without its end.
    """
    info = probe(clip)
    model = ModelInfo("by hand", None, ("person", "car"))
    header = log_header(info, hash_content([clip]), parameters or {}, model, "cpu", "float32")
    step = round(1 / (info.average_rate * info.time_base)) if info.average_rate else 1
    writer = LogWriter(path, header)
    for i in frames:
        ticks = i * step if pts is None else pts[i]
        if i in cuts:
            writer.event(Event("cut", "a new shot begins", i, ticks))
        own = {identity: known[i] for identity, known in boxes.items() if i in known}
        writer.frame(
            FrameTracks(
                i,
                ticks,
                info.time_base,
                np.array(list(own), np.int64),
                np.array([(identity - 1) % 2 for identity in own], np.int64),
                np.full(len(own), 0.1 if i in unsure else 0.8, np.float32),
                np.array(list(own.values()), np.float32).reshape(-1, 4),
                np.full(len(own), int(ObjectState.DETECTED), np.int64),
            )
        )
    writer.close(Status(status or "complete"))
    if status is None:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if '"type":"track"' not in line and '"footer"' not in line))
    return path


def log_in_memory(tmp_path: Path, boxes: Boxes, frames: int, **choices: Any) -> TrackLog:
    """A log of an imagined piece of the example clip."""
    clip = tmp_path / "clip.mp4"
    if not clip.exists():
        any_clip(clip, frames=4)
    return TrackLog.load(write_log(tmp_path / "imagined.jsonl", clip, boxes, range(frames), **choices))


def frames_of(path: Path) -> list[np.ndarray]:
    """All images of a video, RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def seconds_of(path: Path) -> list[Fraction]:
    """The times of a video's frames."""
    with av.open(str(path)) as container:
        return [frame.pts * Fraction(frame.time_base) for frame in container.decode(video=0)]
