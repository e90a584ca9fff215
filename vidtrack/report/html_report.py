"""Builds one HTML page from a log and its clip, in one pass over the clip."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vidtrack.core.atomic_files import write_whole
from vidtrack.core.stages import Progress, Stages, Stopwatch
from vidtrack.core.types import Frame
from vidtrack.core.wording import plural
from vidtrack.export.registry import FORMATS
from vidtrack.render.inputs import RenderInputs
from vidtrack.render.stills import best_stills, candidates_of
from vidtrack.render.style import PALETTE
from vidtrack.report.clip import EMBEDDED_BYTES, Clip, CopyWriter, clip_itself, obstacle
from vidtrack.report.columns import pack
from vidtrack.report.doubts import DoubtImages, doubts_html
from vidtrack.report.template import join_page
from vidtrack.tracklog import Status, TrackLog, track_classes
from vidtrack.tracklog.counting import ever_watched
from vidtrack.tracklog.provenance import find_source, is_source
from vidtrack.tracklog.trajectories import continuous_trajectories
from vidtrack.tracklog.zones import ZONE

_THUMBNAIL = (128, 104)  # pixels, twice what the page shows, for fine screens
_QUALITY = 80  # of their JPEG


@dataclass(frozen=True)
class Report:
    """A finished page; `clip` is the file it plays, None if it is embedded, `notes` what the user should know."""

    path: Path
    clip: Path | None
    tracks: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Thumbnail:
    """The best still of a track, as base64 of a JPEG, and the frame row of the log that it shows."""

    row: int
    jpeg: str


@dataclass(frozen=True)
class Views:
    """What a page shows of the clip: a thumbnail by identity, an image of each doubt; and problems while decoding."""

    thumbnails: dict[int, Thumbnail]
    doubts: DoubtImages
    problems: list[str]


@dataclass(frozen=True)
class Review:
    """What a page that edits its log says of it; `saved` is the file that holds the log as shown, or empty."""

    changes: int
    unsaved: bool
    saved: str


def copy_of(page: Path) -> Path:
    """The file of the copy that goes with a page."""
    return page.with_suffix(".mp4")


def why_copied(inputs: RenderInputs, embed: bool, asked: bool) -> str:
    """Why the page plays a copy of the clip; empty if it plays the clip itself."""
    info = inputs.footage.info
    if asked:
        return "a copy was requested"
    size = info.file_bytes or 0
    if embed and size > EMBEDDED_BYTES:
        return f"the clip has {size >> 20} MiB"
    return obstacle(info)


def make_report(
    inputs: RenderInputs, path: Path, embed: bool, copied: str, progress: Callable[[Progress], None] | None = None
) -> Report:
    """Write the page, which appears when it is complete; an interrupt or an error leaves nothing behind.

    `copied` says why a copy of the clip is played, empty plays the clip itself. Raises InputError, OutputError and
    KeyboardInterrupt.
    """
    hidden = path.with_name(f".{path.stem}.embedded.mp4")
    writer = CopyWriter(inputs.footage, hidden if embed else copy_of(path), copied) if copied else None
    try:
        views = look_through(inputs, writer, progress)
        clip = clip_itself(inputs.footage, embed) if writer is None else writer.finish(embed)
    except BaseException:
        if writer is not None:
            writer.abort()
        raise
    page = build_page(inputs, clip, clip.href(path), views)
    write_whole(path, page.encode("utf-8", "xmlcharrefreplace"))  # bytes of a file name may not be UTF-8
    notes = ([f"the page plays a copy of the clip, as {copied}"] if copied else []) + views.problems
    return Report(path, None if embed else clip.path, len(views.thumbnails), tuple(notes))


def look_through(inputs: RenderInputs, writer: CopyWriter | None, progress: Callable[[Progress], None] | None) -> Views:
    """What the page shows of the clip, in one pass; frames pass through `writer`."""
    log, footage = inputs.chosen, inputs.footage
    paths = continuous_trajectories(log)
    candidates = candidates_of(paths, paths, log)
    with footage.open() as reader, Stages(Stopwatch()) as stages:
        frames = stages.first("decode", reader)
        if writer is not None:
            frames = stages.then("copy", writer.passing(frames))
        doubts = DoubtImages(log, paths, footage.scale)
        frames = doubts.passing(_counted(frames, reader.expected, progress))
        thumbnails = {
            still.candidate.identity: Thumbnail(still.candidate.row, small_jpeg(still.image))
            for still in best_stills(frames, candidates, log, footage.scale)
        }
        while (writer is not None or not doubts.done) and next(frames, None) is not None:
            pass  # the tracks may end before the clip does
        return Views(thumbnails, doubts, [problem.message for problem in reader.problems])


def _counted(
    frames: Iterator[Frame], expected: int | None, progress: Callable[[Progress], None] | None
) -> Iterator[Frame]:
    for count, frame in enumerate(frames, 1):
        if progress is not None:
            progress(Progress(count, expected, 0, float(frame.seconds)))
        yield frame


def small_jpeg(image: np.ndarray) -> str:
    """An image (H, W, 3) RGB as base64 of a small JPEG."""
    height, width = image.shape[:2]
    scale = min(1.0, _THUMBNAIL[0] / width, _THUMBNAIL[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    return base64.b64encode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()).decode()


def build_page(inputs: RenderInputs, clip: Clip, href: str | None, views: Views, review: Review | None = None) -> str:
    """The page as text; `href` is the clip's address, None if it is embedded. With `review` it edits the log."""
    log, source = inputs.chosen, inputs.log.header.source
    packed = pack(log)
    width, height = source.size
    data = {
        "log": shlex.quote(_as_argument(inputs.log_path)),
        "absolute": inputs.log_path.is_absolute(),
        "size": [width, height],
        "shape": float(Fraction(width, height) * source.sample_aspect_ratio),
        "classes": log.class_names,
        "whole": len(np.unique(log.ids)) == len(np.unique(inputs.log.ids)),
        "palette": PALETTE,
        "box_scale": packed.box_scale,
        "columns": packed.columns,
        "tracks": _tracks(log, views.thumbnails),
        "events": _events(log),
        "places": _places(log),
        "formats": [{"name": entry.name, "purpose": entry.purpose, "how": entry.how} for entry in FORMATS],
        "review": None if review is None else asdict(review),
        "clip": {
            "href": href,
            "name": clip.path.name,
            "type": clip.type,
            "origin": float(clip.origin_seconds),
            "sound": clip.sound,
            "argument": _clip_argument(inputs),
            "same": is_source(inputs.footage.info.path, source),
        },
    }
    return join_page(
        title=Path(source.path.replace("\\", "/")).name,
        facts=_facts(log, clip),
        notices=_notices(inputs.log),
        doubts=doubts_html(views.doubts, log, small_jpeg),
        data=data,
        columns=packed.text,
        clip=clip.data or "",
        review=review is not None,
    )


def _as_argument(path: Path) -> str:
    """The path, written so that no command takes it for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _clip_argument(inputs: RenderInputs) -> str:
    """The clip quoted for a shell, if a command that gets only the log would not find it."""
    log_path, clip = inputs.log_path, inputs.footage.info.path
    found = find_source(inputs.log.header.source, log_path)
    if found == clip and (found.is_absolute() or not log_path.is_absolute()):
        return ""
    return shlex.quote(_as_argument(clip.absolute() if log_path.is_absolute() else clip))


def _tracks(log: TrackLog, thumbnails: dict[int, Thumbnail]) -> list[dict[str, Any]]:
    """In the order of the packed objects."""
    _, first, counts = np.unique(log.ids, return_index=True, return_counts=True)
    listed = []
    for (identity, kind), row, count in zip(track_classes(log).items(), log.frame_rows[first], counts, strict=True):
        thumbnail = thumbnails.get(identity) or Thumbnail(int(row), "")  # none if the clip ends before the track
        entry = {"id": identity, "cls": kind, "count": int(count), "best": thumbnail.row, "thumbnail": thumbnail.jpeg}
        listed.append(entry)
    return listed


def _events(log: TrackLog) -> list[dict[str, Any]]:
    return [
        {"t": round(float(event.pts * log.time_base), 6), "kind": event.kind, "message": event.message}
        for event in log.events
        if event.pts is not None
    ]


def _places(log: TrackLog) -> list[dict[str, Any]]:
    """Lines and zones that were counted at, during the run or afterwards, in pixels."""
    size = np.array(log.header.source.size, np.float64)
    return [
        {
            "name": place.name,
            "closed": place.kind == ZONE,
            "points": (np.array(place.points) * (size / 100 if place.percent else 1)).round(1).tolist(),
        }
        for place in ever_watched(log)
    ]


def _facts(log: TrackLog, clip: Clip) -> list[str]:
    source = log.header.source
    facts = ["{}×{}".format(*source.size)]  # noqa: RUF001
    if source.average_rate is not None:
        facts.append(f"{float(source.average_rate):.5g} fps")
    facts.append(plural(len(log), "frame"))
    if log.header.model.name:
        facts.append(f"model {log.header.model.name}")
    return [*facts, *([f"shown as a copy: {clip.note}"] if clip.note else [])]


def _notices(log: TrackLog) -> list[str]:
    if log.status is Status.COMPLETE:
        return []
    ends = f"The log ends at {log.frame_seconds[-1]:.2f} s ({log.status})"
    return [f"{ends}: {log.problem}." if log.problem else f"{ends}."]
