#!/usr/bin/env bash
# A good guess: transformed_time follows a clip's LinearTimeWarp, as it follows its trim, and FCP XML
#   keeps the speed as EDL does.
# What happens: it follows only the trim. In a clip at double speed from source frame 10, timeline
#   frame 12 maps to source frame 22, not 34; in a frozen one too, not to 10. The FCP XML and
#   FCPX XML writers drop the effect, without a word. The EDL writer keeps it as M2.
# Versions: OpenTimelineIO 0.18.1, otio-fcp-adapter 1.0.0, otio-fcpx-xml-adapter 1.0.0,
#   otio-cmx3600-adapter 1.0.0.
# Why it matters: boxes carried from the source onto the cut come off their object in each retimed
#   shot, and the shot plays at normal speed after an export. Multiply by time_scalar yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check OpenTimelineIO==0.18.1 \
  otio-fcp-adapter==1.0.0 otio-fcpx-xml-adapter==1.0.0 otio-cmx3600-adapter==1.0.0
"$work/venv/bin/python" -W ignore - <<'PY'
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange
from opentimelineio.schema import Clip, ExternalReference, FreezeFrame, LinearTimeWarp, Timeline, Track


def cut(effect):
    """A timeline at 24 fps with one clip of 48 frames from source frame 10 on."""
    media = ExternalReference("file:///take.mov", TimeRange(RationalTime(0, 24), RationalTime(240, 24)))
    clip = Clip("take", media, TimeRange(RationalTime(10, 24), RationalTime(48, 24)))
    if effect is not None:
        clip.effects.append(effect)
    track = Track("V1", kind="Video")
    track.append(clip)
    timeline = Timeline("cut")
    timeline.tracks.append(track)
    return timeline, clip


def speeds(timeline, adapter):
    """Effects of the clips after writing and reading with the adapter."""
    read = otio.adapters.read_from_string(otio.adapters.write_to_string(timeline, adapter), adapter)
    parts = [read] if isinstance(read, Timeline) else [part for part in read if hasattr(part, "find_clips")]
    return [effect.time_scalar for part in parts for clip in part.find_clips() for effect in clip.effects]


print("OpenTimelineIO", otio.__version__)
for name, effect, kept in (
    ("normal speed", None, []),
    ("double speed", LinearTimeWarp(time_scalar=2.0), [2.0]),
    ("frozen", FreezeFrame(), [0.0]),
):
    timeline, clip = cut(effect)
    source = timeline.tracks.transformed_time(RationalTime(12, 24), clip).value
    read_back = {adapter: speeds(timeline, adapter) for adapter in ("cmx_3600", "fcp_xml", "fcpx_xml")}
    print(f"{name:>12}: timeline frame 12 is source frame {source:.0f}; speeds read back: {read_back}")
    assert source == 22, "CHANGED: transformed_time follows the effect"
    assert read_back["cmx_3600"] == kept, "CHANGED: EDL no longer keeps the speed"
    assert read_back["fcp_xml"] == read_back["fcpx_xml"] == [], "CHANGED: an XML adapter keeps the speed"
PY
