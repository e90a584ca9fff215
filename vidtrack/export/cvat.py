"""CVAT for video 1.1: tracks of boxes by decoded frame, to correct by hand or to train on."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import numpy as np

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import hex_colour, number, xml_text
from vidtrack.render.style import colour_of


def write(scene: Scene) -> str:
    """Frames from 0; the box is outside on the first frame of each gap, interpolated boxes are not keyframes."""
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    _add_meta(root, scene)
    for track in scene.tracks:
        element = Xml.SubElement(root, "track", id=str(track.id), label=track.label, source="auto")
        for run in track.runs():
            _add_run(element, track, run, scene.decoded_count)
    return xml_text(root)


def _add_meta(root: Xml.Element, scene: Scene) -> None:
    task = Xml.SubElement(Xml.SubElement(root, "meta"), "task")
    width, height = scene.size
    values = {
        "name": scene.name,
        "size": scene.decoded_count,
        "mode": "interpolation",
        "overlap": 0,
        "start_frame": 0,
        "stop_frame": scene.decoded_count - 1,
    }
    for name, value in values.items():
        Xml.SubElement(task, name).text = str(value)
    labels = Xml.SubElement(task, "labels")
    for place, name in enumerate(sorted({track.label for track in scene.tracks}), start=1):
        label = Xml.SubElement(labels, "label")
        Xml.SubElement(label, "name").text = name
        Xml.SubElement(label, "color").text = f"#{hex_colour(colour_of(place))}"
        Xml.SubElement(label, "type").text = "rectangle"
        Xml.SubElement(label, "attributes")
    size = Xml.SubElement(task, "original_size")
    Xml.SubElement(size, "width").text = str(width)
    Xml.SubElement(size, "height").text = str(height)
    Xml.SubElement(task, "source").text = scene.path


def _add_run(element: Xml.Element, track: Track, run: slice, frame_count: int) -> None:
    indices, boxes, logged = track.indices[run], track.boxes_xyxy[run].tolist(), track.logged[run]
    kept = np.flatnonzero(
        logged | ~np.isin(indices, indices[logged])
    )  # where frames were lost, filled ones fall together
    _, first = np.unique(indices[kept], return_index=True)
    for sample in kept[first].tolist():
        _add_box(element, int(indices[sample]), boxes[sample], outside=False, keyframe=bool(logged[sample]))
    after = int(indices[-1]) + 1
    if after < frame_count:
        _add_box(element, after, boxes[-1], outside=True, keyframe=True)


def _add_box(element: Xml.Element, index: int, box: list[float], outside: bool, keyframe: bool) -> None:
    corners = dict(zip(("xtl", "ytl", "xbr", "ybr"), map(number, box), strict=True))
    flags = {"outside": str(int(outside)), "occluded": "0", "keyframe": str(int(keyframe))}
    Xml.SubElement(element, "box", {"frame": str(index), **flags, **corners, "z_order": "0"})
