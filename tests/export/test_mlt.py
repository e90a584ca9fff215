"""MLT's timeline, rendered by melt."""

from __future__ import annotations

import os
import subprocess
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as Xml

import av
import numpy as np

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import by_hand, exported, moving, program, scene_of, write_log
from tests.media import Clip, write_clip
from vidtrack.export import mlt
from vidtrack.render.style import colour_of

LUMA = np.array([0.299, 0.587, 0.114])


def test_mlt_has_a_clip_for_each_stretch(tmp_path: Path) -> None:
    scene = by_hand()
    root = Xml.fromstring(mlt.write(scene))
    profile = root.find("profile")
    assert profile is not None
    assert profile.attrib.items() >= {"width": "320", "frame_rate_num": "30000", "frame_rate_den": "1001"}.items()
    assert profile.attrib.items() >= {"display_aspect_num": "16", "display_aspect_den": "9"}.items()
    rectangles = {}
    for playlist in root.iter("playlist"):
        at = 0
        for item in playlist:
            if item.tag == "blank":
                at += int(item.get("length", ""))
            elif item.tag == "entry":
                length = int(item.get("out", "")) + 1
                producer = root.find(f"producer[@id='{item.get('producer')}']")
                assert producer is not None
                if producer.findtext("property[@name='shotcut:caption']") == "person 1":
                    keys = producer.findtext("filter/property[@name='transition.rect']", "").split(";")
                    assert len(keys) == length
                    for key in keys:
                        frame, x, y, width, height = map(float, key.replace("|=", " ").split()[:5])
                        rectangles[at + int(frame)] = [x, y, x + width, y + height]
                at += length
    same(rectangles, boxes_by_frame(scene))


def test_melt_renders_the_boxes_where_and_when_they_are(tmp_path: Path) -> None:
    melt = program("melt")
    rate = Fraction(30000, 1001)
    write_clip(
        tmp_path / "clip.mkv", Clip(frames=14, rate=rate, size=(160, 96), numbered=True, encoder="ffv1", options={})
    )
    there = moving(4, 2, 4) | moving(3, 9, 4)
    log = write_log(tmp_path / "clip.tracks.jsonl", {1: there}, range(14), rate, frame_count=14, path=Path("clip.mkv"))
    project = exported(log, "mlt", tmp_path)
    target = tmp_path / "rendered.mkv"
    consumer = f"avformat:{target}"
    done = subprocess.run(
        [melt, str(project), "-consumer", consumer, "vcodec=ffv1", "pix_fmt=yuv444p", "an=1", "real_time=-1"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert target.exists(), done.stderr
    with av.open(str(target)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 14
    boxes = boxes_by_frame(scene_of(log))
    for number, picture in enumerate(pictures):
        grey = 8 * number % 256
        painted = (picture @ LUMA - grey) / (colour_of(1) @ LUMA - grey) > 0.25  # half of a box that is half opaque
        if number not in boxes:
            assert not painted.any(), f"frame {number} has no object"
            continue
        rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
        edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(edges, boxes[number], atol=1, err_msg=f"frame {number}")
        middle = picture[40, int((edges[0] + edges[2]) / 2)]
        np.testing.assert_allclose(middle, (np.array(colour_of(1)) + grey) / 2, atol=14)
