"""The formats: the name, purpose and import steps of each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vidtrack.core.errors import UsageError
from vidtrack.export import (
    after_effects,
    after_effects_script,
    blender,
    cvat,
    datasets,
    fcpxml,
    ffmpeg,
    fusion,
    label_studio,
    mlt,
    nuke,
    otio,
    subtitles,
    tables,
)
from vidtrack.export import three_dequalizer as points
from vidtrack.export.scene import Scene

Content = str | bytes | Iterator[str] | dict[str, str]  # a file, whole or in pieces, or a folder's files by name


@dataclass(frozen=True)
class Format:
    """A format; `write` makes its content, one file or a folder of them, from a scene.

    `needs_rate`: it counts frames of a timeline, so a clip of variable rate has to be conformed first. `numbered`: the
    number of its first frame can be chosen. `links_clip`: it holds the clip's path. `refuse` raises UsageError for a
    scene that the format cannot hold. `empty`: it can hold a log without tracks. `package`: what writes it.
    """

    name: str
    suffix: str  # of NAME, for a file; with / at the end for a folder
    purpose: str
    how: str
    write: Callable[[Scene], Content]
    needs_rate: bool = True
    numbered: bool = False
    links_clip: bool = False
    refuse: Callable[[Scene], None] | None = None
    empty: bool = False
    package: str | None = None


FORMATS = (
    Format(
        "after-effects",
        ".after-effects/",
        "After Effects keyframe text: position, scale and opacity, and a corner pin, of each object.",
        "Open a .txt, copy all, select a null (corner pin: a layer of the comp's size), go to 0:00, paste.",
        after_effects.write,
        numbered=True,
    ),
    Format(
        "after-effects-script",
        ".after-effects.jsx",
        "After Effects script: a comp of the clip's size and rate, with the clip and a null for each object.",
        "File > Scripts > Run Script File..., choose the .jsx; parent or pick-whip layers to the nulls.",
        after_effects_script.write,
        numbered=True,
        links_clip=True,
    ),
    Format(
        "nuke",
        ".nk",
        "Nuke: a Tracker4 with a track for each object, and a Crop for each that follows its box.",
        "File > Insert Comp Nodes..., or paste the text into the node graph; frames count from 1001.",
        nuke.write,
        numbered=True,
    ),
    Format(
        "3de",
        ".3de.txt",
        "2-D track text of 3DEqualizer, read by other trackers and add-ons too: a point for each object.",
        "3DE4: Import 2D Tracks in the script menu, choose the .txt; pixels from the bottom left, frames from 1.",
        points.write,
        numbered=True,
    ),
    Format(
        "blender",
        ".blender.py",
        "Blender: tracking tracks in the Movie Clip Editor, with pattern areas of the size of the boxes.",
        "Scripting workspace, open the .py, Run Script; or blender --python FILE.",
        blender.write,
        numbered=True,
        links_clip=True,
    ),
    Format(
        "fusion",
        ".fusion.setting",
        "DaVinci Resolve Fusion: a rectangle mask and an animated point for each object.",
        "Open the .setting in a text editor, copy all, paste into the node area; or drag the file in.",
        fusion.write,
        numbered=True,
    ),
    Format(
        "fcpxml",
        ".fcpxml",
        "Final Cut Pro (DaVinci Resolve reads it too): a title for each object, which moves with it.",
        "File > Import > XML..., choose the .fcpxml; it becomes a project in the event vidtrack.",
        fcpxml.write,
        links_clip=True,
        refuse=fcpxml.refuse,
    ),
    Format(
        "otio",
        ".otio",
        "OpenTimelineIO for pipelines and Resolve: the clip with a marker for each time an object is there.",
        "Resolve: File > Import > Timeline...; Python: opentimelineio.adapters.read_from_file(FILE).",
        otio.write,
        links_clip=True,
    ),
    Format(
        "mlt",
        ".mlt",
        "Shotcut and Kdenlive: the clip, and above it coloured boxes that follow the objects.",
        "Shotcut: File > Open; Kdenlive: Add Clip, choose the .mlt; melt FILE plays it.",
        mlt.write,
        links_clip=True,
    ),
    Format(
        "ffmpeg",
        ".ffmpeg/",
        "FFmpeg: filter graphs that draw the boxes, or cut out one object, with commands for sendcmd.",
        "Inside the folder: ffmpeg -i CLIP -/filter:v boxes.graph OUT.mp4 (before FFmpeg 7: -filter_script:v).",
        ffmpeg.write,
        needs_rate=False,
    ),
    Format(
        "ass",
        ".ass",
        "Subtitles that draw boxes and names over the clip in a player.",
        "mpv CLIP --sub-file=FILE; VLC: Subtitle > Add Subtitle File...; beside the clip it is found by itself.",
        subtitles.write_ass,
        needs_rate=False,
    ),
    Format(
        "webvtt",
        ".vtt",
        "Boxes as data for a web page, in step with its video.",
        '<track kind="metadata" src=FILE> in a <video>; on cuechange read JSON from activeCues[0].text.',
        subtitles.write_webvtt,
        needs_rate=False,
    ),
    Format(
        "cvat",
        ".cvat.xml",
        "CVAT for video 1.1: correct the tracks by hand.",
        "In a task made of the clip, with the same labels: Upload annotations > CVAT 1.1.",
        cvat.write,
        needs_rate=False,
    ),
    Format(
        "mot",
        ".mot.txt",
        "MOTChallenge text: score the tracks, or feed a tool that reads MOT.",
        "TrackEval: as SEQUENCE.txt in the tracker's data folder; `vidtrack eval` reads it too.",
        datasets.write_mot,
        needs_rate=False,
        empty=True,
    ),
    Format(
        "coco",
        ".coco.json",
        "COCO JSON with videos and tracks (COCO-VID, TAO): train and score.",
        "pycocotools.coco.COCO(FILE); frames are named NAME/000000.jpg, as ffmpeg -start_number 0 extracts them.",
        datasets.write_coco,
        needs_rate=False,
        empty=True,
    ),
    Format(
        "yolo",
        ".yolo/",
        "YOLO text: a file of boxes per frame, and data.yaml with the classes; train a detector on it.",
        "Frames: ffmpeg -i CLIP -start_number 0 -fps_mode passthrough NAME_%06d.jpg; put the .txt files into labels/.",
        datasets.write_yolo,
        needs_rate=False,
        empty=True,
    ),
    Format(
        "label-studio",
        ".label-studio.json",
        "Label Studio: predicted video rectangles to correct by hand.",
        "Import the .json into a project with <VideoRectangle name=box toName=video> and Video's frameRate set.",
        label_studio.write,
    ),
    Format(
        "csv",
        ".tracks.csv",
        "A row for each box: spreadsheets and scripts.",
        "Open it; columns: frame, index, seconds, timecode, id, class, score, left, top, right, bottom, state.",
        tables.write_csv,
        needs_rate=False,
        empty=True,
    ),
    Format(
        "parquet",
        ".tracks.parquet",
        "The same rows for data frames; needs pip install 'vidtrack[parquet]'.",
        "pandas.read_parquet(FILE), polars.read_parquet(FILE), DuckDB: select * from 'FILE'.",
        tables.write_parquet,
        needs_rate=False,
        empty=True,
        package="pyarrow",
    ),
)


ALL = "all"
_ALIASES = {
    "premiere": "otio",
    "resolve": "otio",
    "davinci": "otio",
    "final-cut": "fcpxml",
    "fcp": "fcpxml",
    "ae": "after-effects",
    "aftereffects": "after-effects",
    "kdenlive": "mlt",
    "shotcut": "mlt",
    "3dequalizer": "3de",
    "motchallenge": "mot",
    "ultralytics": "yolo",
    "labelstudio": "label-studio",
    "vtt": "webvtt",
}  # what people call them


def find_formats(names: Sequence[str]) -> list[Format]:
    """The formats of these names or aliases, each once, `all` alone is every one; raises UsageError for others."""
    known = {entry.name: entry for entry in FORMATS}
    names = [_ALIASES.get(name.lower(), name.lower()) for name in names]
    if list(names) == [ALL]:
        return list(FORMATS)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise UsageError(f"unknown format {name!r}", hint)
    if not names:
        raise UsageError("no format given", "use --to with names from --list, such as --to nuke,csv")
    return [known[name] for name in dict.fromkeys(names)]
