#!/usr/bin/env bash
# A good guess: the AAF adapter reads Avid's markers, so it writes a clip's markers too; a round
#   trip keeps them, as the FCP XML and EDL adapters do.
# What happens: the clips, ranges and start timecode arrive, the markers are dropped without a
#   word. The file holds no DescriptiveMarker at all. The same timeline keeps all of its markers
#   through FCP XML.
# Versions: OpenTimelineIO 0.18.1, otio-aaf-adapter 2.0.0, pyaaf2 as it installs.
# Why it matters: one marker per tracked object, handed to an Avid editor as AAF, arrives as a cut
#   list with nothing on it, and no warning says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  OpenTimelineIO==0.18.1 otio-aaf-adapter==2.0.0 otio-fcp-adapter==1.0.0 pyaaf2==1.7.1
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import aaf2
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange


def span(start, length):
    return TimeRange(RationalTime(start, 24), RationalTime(length, 24))


media = otio.schema.ExternalReference("clip.mov", span(0, 1000))
clip = otio.schema.Clip("A", media, span(100, 50))
for at in (110, 140):
    clip.markers.append(otio.schema.Marker(f"object {at}", span(at, 1), otio.schema.MarkerColor.RED))
timeline = otio.schema.Timeline("t", global_start_time=RationalTime(86400, 24))
timeline.tracks.append(otio.schema.Track("V1", [clip], kind="Video"))

print("OpenTimelineIO", otio.__version__)
left = {}
for adapter, name, options in (("AAF", "t.aaf", {"use_empty_mob_ids": True}), ("fcp_xml", "t.xml", {})):
    path = f"{sys.argv[1]}/{name}"
    otio.adapters.write_to_file(timeline, path, adapter_name=adapter, **options)
    back = otio.adapters.read_from_file(path, adapter_name=adapter)
    found = back.find_clips()[0]
    markers = [m.name for item in [found, *back.tracks, back.tracks] for m in item.markers]
    left[adapter] = markers
    print(f"{adapter}: clip {found.source_range}, start {back.global_start_time}, markers {markers}")
with aaf2.open(f"{sys.argv[1]}/t.aaf") as file:
    kinds = {type(slot.segment).__name__ for mob in file.content.mobs for slot in mob.slots}
    slots = {type(slot).__name__ for mob in file.content.mobs for slot in mob.slots}
print("AAF slots:", sorted(slots), "segments:", sorted(kinds))
assert len(left["fcp_xml"]) == 2, "CHANGED: FCP XML no longer keeps the two markers"
assert left["AAF"] == [] and "EventMobSlot" not in slots, "CHANGED: the AAF adapter writes markers now"
PY
