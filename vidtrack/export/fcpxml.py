"""FCPXML: the clip on a timeline, and above it a title per object that moves with it."""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree as Xml

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.export.scene import Numbering, Scene, Track
from vidtrack.export.text import file_url, number, xml_text

_RATES = [Fraction(n * 1000, 1001) for n in (24, 30, 60)] + [Fraction(n) for n in (24, 25, 30, 50, 60)]
_NAMES = ("23.98", "29.97", "59.94", "24", "25", "30", "50", "60")  # of these rates, as conform-rate knows them
_TITLE = ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti"


def refuse(scene: Scene) -> None:
    """Raise UsageError for a frame rate that Final Cut Pro does not have."""
    rate = scene.constant_rate
    if rate not in _RATES:
        raise UsageError(
            f"FCPXML does not support {float(rate):g} fps", "use --conform-fps with a broadcast rate, such as 25"
        )


def write(scene: Scene) -> str:
    """Each stretch without a gap is a title of its own; positions are percent of the height, from the middle.

    A clip of another rate than the timeline's is shown at its own speed; its start is in its own frames.
    """
    root = Xml.Element("fcpxml", version="1.10")
    _add_resources(root, scene)
    event = Xml.SubElement(Xml.SubElement(root, "library"), "event", name="vidtrack")
    project = Xml.SubElement(event, "project", name=scene.name)
    whole = {"duration": _time(scene.duration)}
    start = _start(scene.numbering)
    sequence = Xml.SubElement(
        project, "sequence", {"format": "r1", "tcStart": start, "tcFormat": _labels(scene.numbering), **whole}
    )
    own = scene.media_numbering
    clip = Xml.SubElement(
        Xml.SubElement(sequence, "spine"),
        "asset-clip",
        {"ref": "r2", "name": scene.name, "offset": start, "start": _start(own), "tcFormat": _labels(own), **whole},
    )
    if own.rate != scene.rate and own.rate in _RATES:
        Xml.SubElement(clip, "conform-rate", scaleEnabled="0", srcFrameRate=_NAMES[_RATES.index(own.rate)])
    for track, layer in zip(scene.tracks, scene.layers(), strict=True):
        for part, run in enumerate(track.runs()):
            _add_title(clip, scene, track, run, layer, f"ts{track.id}-{part}")
    return xml_text(root, "<!DOCTYPE fcpxml>\n")


def _add_resources(root: Xml.Element, scene: Scene) -> None:
    resources = Xml.SubElement(root, "resources")
    own = scene.media_numbering
    rates = list(dict.fromkeys([scene.constant_rate, own.rate]))
    for number_of, rate in zip(("r1", "r4"), rates, strict=False):
        _add_format(resources, scene, number_of, rate)
    asset = Xml.SubElement(
        resources,
        "asset",
        id="r2",
        name=scene.name,
        start=_start(own),
        duration=_time(scene.media_frame_count / own.rate),
        hasVideo="1",
        format="r1" if own.rate == scene.rate else "r4",
    )
    if scene.audio:
        first = scene.audio[0]
        asset.set("hasAudio", "1")
        asset.set("audioSources", str(len(scene.audio)))
        asset.set("audioChannels", str(first.channels))
        asset.set("audioRate", str(first.sample_rate))
    Xml.SubElement(asset, "media-rep", kind="original-media", src=file_url(scene.first_file))
    Xml.SubElement(resources, "effect", id="r3", name="Basic Title", uid=_TITLE)


def _add_format(resources: Xml.Element, scene: Scene, name: str, rate: Fraction) -> None:
    width, height = map(str, scene.size)
    form = Xml.SubElement(resources, "format", id=name, frameDuration=_time(1 / rate), width=width, height=height)
    if scene.pixel_aspect != 1:
        form.set("paspH", str(scene.pixel_aspect.numerator))
        form.set("paspV", str(scene.pixel_aspect.denominator))


def _add_title(clip: Xml.Element, scene: Scene, track: Track, run: slice, layer: int, style: str) -> None:
    frames = track.frames[run]
    first, length, rate = int(frames[0]), len(frames), scene.constant_rate
    own = scene.media_numbering
    title = Xml.SubElement(
        clip,
        "title",
        ref="r3",
        lane=str(layer + 1),
        offset=_time(own.start / own.rate + first / rate),
        name=track.name,
        start="0s",
        duration=_time(length / rate),
    )
    Xml.SubElement(Xml.SubElement(title, "text"), "text-style", ref=style).text = track.name
    definition = Xml.SubElement(title, "text-style-def", id=style)
    Xml.SubElement(
        definition, "text-style", font="Helvetica", fontSize="36", fontColor="1 1 1 1", alignment="center"
    )  # fmt: skip
    transform = Xml.SubElement(title, "adjust-transform")
    animation = Xml.SubElement(Xml.SubElement(transform, "param", name="position"), "keyframeAnimation")
    for frame, (x, y) in enumerate(_positions(scene, track)[run].tolist()):
        Xml.SubElement(animation, "keyframe", time=_time(frame / rate), value=f"{number(x, 6)} {number(y, 6)}")


def _positions(scene: Scene, track: Track) -> np.ndarray:
    """(K, 2) percent of the image height from its middle, y up, in square pixels."""
    width, height = scene.size
    x, y = track.points(scene.anchor).T
    return np.stack([(x - width / 2) * float(scene.pixel_aspect), height / 2 - y], 1) * (100 / height)


def _start(numbering: Numbering) -> str:
    return _time(numbering.start / numbering.rate)


def _labels(numbering: Numbering) -> str:
    return "DF" if numbering.is_drop_frame else "NDF"


def _time(seconds: Fraction) -> str:
    return f"{seconds.numerator}/{seconds.denominator}s" if seconds.denominator != 1 else f"{seconds.numerator}s"
