"""Final Cut's timeline, checked against the part of its DTD in use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as Xml

import pytest

from tests.export.readers import same
from tests.export.scenes import by_hand, moving, scene_of, write_log
from vidtrack.core.errors import UsageError
from vidtrack.core.types import AudioInfo
from vidtrack.export import fcpxml, otio
from vidtrack.export.scene import Anchor

NTSC = Fraction(1001, 30000)
# Of the part of FCPXML 1.10 in use: the children of an element in their order, and the attributes it has to have.
ORDER = {
    "fcpxml": ["resources", "library"],
    "resources": ["format", "asset", "effect"],
    "asset": ["media-rep"],
    "library": ["event"],
    "event": ["project"],
    "project": ["sequence"],
    "sequence": ["spine"],
    "spine": ["asset-clip"],
    "asset-clip": ["conform-rate", "title"],
    "title": ["text", "text-style-def", "adjust-transform"],
    "text": ["text-style"],
    "text-style-def": ["text-style"],
    "adjust-transform": ["param"],
    "param": ["keyframeAnimation"],
    "keyframeAnimation": ["keyframe"],
}
NEEDED = {
    "format": {"id"},
    "asset": {"id"},
    "media-rep": {"src"},
    "effect": {"id", "uid"},
    "sequence": {"format"},
    "asset-clip": {"ref"},
    "title": {"ref", "duration"},
    "text-style-def": {"id"},
    "param": {"name"},
    "keyframe": {"time", "value"},
}


def check_fcpxml(root: Xml.Element) -> None:
    named = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(named) == len(set(named))
    for element in root.iter():
        allowed = ORDER.get(element.tag, [])
        places = [allowed.index(child.tag) for child in element]
        assert places == sorted(places), element.tag
        assert set(element.attrib) >= NEEDED.get(element.tag, set()), element.tag
        for attribute in ("ref", "format"):
            assert element.get(attribute, named[0]) in named
        for attribute in ("start", "offset", "duration", "tcStart", "frameDuration", "time"):
            assert (seconds(element.get(attribute, "0s")) / NTSC).denominator == 1, (element.tag, attribute)


def seconds(text: str) -> Fraction:
    assert text.endswith("s")
    return Fraction(text[:-1])


@pytest.mark.parametrize("anchor", list(Anchor))
def test_final_cut_titles_follow_the_objects(anchor: Anchor) -> None:
    scene = by_hand(anchor=anchor)
    text = fcpxml.write(scene)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10">')
    root = Xml.fromstring(text)
    check_fcpxml(root)
    sequence, clip = root.find(".//sequence"), root.find(".//asset-clip")
    assert sequence is not None and clip is not None
    assert (sequence.get("tcFormat"), seconds(sequence.get("tcStart", "")) / NTSC) == ("DF", 1798)
    assert seconds(sequence.get("duration", "")) == 10 * NTSC
    assert unquote(root.find(".//media-rep").get("src", "")) == "footage/shot 12.mov"  # type: ignore[union-attr]
    found = {}
    for title in clip.iter("title"):
        if title.get("name") == "person 1":
            first = (seconds(title.get("offset", "")) - seconds(clip.get("start", ""))) / NTSC
            keys = list(title.iter("keyframe"))
            assert seconds(title.get("duration", "")) == len(keys) * NTSC  # the title ends where the object does
            for key in keys:
                x, y = map(float, key.get("value", "").split())
                frame = int(first + seconds(key.get("time", "")) / NTSC)
                found[frame] = [160 + x * 1.8, 90 - y * 1.8]
    points = dict(zip(scene.tracks[0].frames.tolist(), scene.tracks[0].points(anchor).tolist(), strict=True))
    same(found, points)


NTSC_FILM = Fraction(24000, 1001)


def test_a_conformed_timeline_has_its_own_labels_and_the_clip_keeps_its_rate(tmp_path: Path) -> None:
    library = pytest.importorskip("opentimelineio", reason="reads the timeline")
    rate, times = 1 / NTSC, library.opentime
    log = write_log(
        tmp_path / "a.jsonl", {1: moving(20, 5)}, range(50), rate, timecode="00:59:59;28", duration_seconds=50 / rate
    )
    scene = scene_of(log, conform_rate=Fraction("23.976"))
    assert scene.timecode_at(0) == "00:59:59:22"
    root = Xml.fromstring(fcpxml.write(scene))
    sequence, asset, clip = (root.find(f".//{name}") for name in ("sequence", "asset", "asset-clip"))
    assert sequence is not None and asset is not None and clip is not None
    durations = {form.get("id"): seconds(form.get("frameDuration", "")) for form in root.iter("format")}
    assert durations[sequence.get("format")] == 1 / NTSC_FILM
    assert durations[asset.get("format")] == NTSC
    assert (sequence.get("tcFormat"), clip.get("tcFormat")) == ("NDF", "DF")
    assert seconds(sequence.get("tcStart", "")) == (3599 * 24 + 22) / NTSC_FILM
    own_start = 107890 * NTSC  # 00:59:59;28
    assert seconds(asset.get("start", "")) == seconds(clip.get("start", "")) == own_start
    assert seconds(asset.get("duration", "")) == seconds(clip.get("duration", "")) == 50 * NTSC
    conform = clip.find("conform-rate")
    assert conform is not None and conform.attrib == {"scaleEnabled": "0", "srcFrameRate": "29.97"}
    title = clip.find("title")
    assert title is not None and seconds(title.get("offset", "")) == own_start + 4 / NTSC_FILM

    timeline = library.adapters.read_from_string(otio.write(scene), "otio_json")
    (read,) = timeline.find_clips()
    assert timeline.global_start_time.to_timecode(float(NTSC_FILM), False) == "00:59:59:22"
    assert read.available_range() == times.TimeRange(
        times.RationalTime(107890, float(rate)), times.RationalTime(50, float(rate))
    )
    assert read.available_range().start_time.to_timecode(float(rate), True) == "00:59:59;28"
    assert read.visible_range().start_time == read.available_range().start_time
    assert read.visible_range().duration == times.RationalTime(40, float(NTSC_FILM))
    (marker,) = read.markers
    first = marker.marked_range.start_time - read.available_range().start_time
    assert first.to_seconds() == pytest.approx(float(4 / NTSC_FILM), abs=1e-9)
    assert marker.marked_range.duration == times.RationalTime(16, float(NTSC_FILM))


def test_footage_interpreted_anew_is_at_the_new_rate(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), 1 / NTSC, timecode="00:59:59;28")
    scene = scene_of(log, rate=NTSC_FILM)
    assert scene.media_numbering == scene.numbering
    assert scene.timecode_at(0) == "00:59:59:22"
    assert "conform-rate" not in fcpxml.write(scene)


def test_final_cut_hears_what_the_clip_says(tmp_path: Path) -> None:
    for sound, said in (
        ((), (None, None, None, None)),
        ((AudioInfo(2, 48000), AudioInfo(1, 44100)), ("1", "2", "2", "48000")),
    ):
        log = write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), 1 / NTSC, audio=sound)
        root = Xml.fromstring(fcpxml.write(scene_of(log)))
        check_fcpxml(root)
        asset = root.find(".//asset")
        assert asset is not None
        names = ("hasAudio", "audioSources", "audioChannels", "audioRate")
        assert tuple(map(asset.get, names)) == said


def test_final_cut_has_no_other_rates(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not support 12 fps"):
        fcpxml.refuse(scene_of(write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), Fraction(12))))


def test_wide_pixels_are_counted_as_square_ones(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(2)}, range(2), sample_aspect_ratio=Fraction(16, 11))
    root = Xml.fromstring(fcpxml.write(scene_of(log)))
    assert root.find(".//format").attrib.items() >= {"paspH": "16", "paspV": "11"}.items()  # type: ignore[union-attr]
    x, y = map(float, root.find(".//keyframe").get("value", "").split())  # type: ignore[union-attr]
    assert x == pytest.approx((25 - 80) * 16 / 11 / 96 * 100, abs=1e-4)
    assert y == pytest.approx((48 - 40.375) / 96 * 100, abs=1e-4)
