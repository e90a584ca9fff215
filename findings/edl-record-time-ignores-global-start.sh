#!/usr/bin/env bash
# A good guess: a timeline with global_start_time 01:00:00:00 exports to a CMX 3600 EDL whose
#   record times begin at 01:00:00:00.
# What happens: they begin at 00:00:00:00, and reading the EDL gives no start time. The same
#   timeline keeps its start through FCP XML.
# Versions: OpenTimelineIO 0.18.1, otio-cmx3600-adapter 1.0.0, otio-fcp-adapter 1.0.0.
# Why it matters: events located by record time land an hour early in a sequence that starts at
#   hour one, as nearly all do. Shift the record times before you write.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  OpenTimelineIO==0.18.1 otio-cmx3600-adapter==1.0.0 otio-fcp-adapter==1.0.0
"$work/venv/bin/python" - <<'PY'
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

HOUR = RationalTime(90000, 25)
clip = otio.schema.Clip(
    "A",
    otio.schema.ExternalReference("clip.mov", TimeRange(RationalTime(0, 25), RationalTime(1000, 25))),
    TimeRange(RationalTime(100, 25), RationalTime(50, 25)),
)
timeline = otio.schema.Timeline("t", global_start_time=HOUR)
timeline.tracks.append(otio.schema.Track("V1", [clip], kind="Video"))

print("OpenTimelineIO", otio.__version__)
edl = otio.adapters.write_to_string(timeline, "cmx_3600", rate=25)
event = next(line for line in edl.splitlines() if line.startswith("001"))
back = otio.adapters.read_from_string(edl, "cmx_3600", rate=25)
print("EDL event:", event)
print("start read back from the EDL:", back.global_start_time)
xml = otio.adapters.write_to_string(timeline, "fcp_xml")
kept = otio.adapters.read_from_string(xml, "fcp_xml").global_start_time
print("start read back from FCP XML:", kept)
assert kept == HOUR, "CHANGED: FCP XML loses the start time"
assert event.split()[-2:] == ["00:00:00:00", "00:00:02:00"], "CHANGED: record times honour the start time"
assert back.global_start_time is None, "CHANGED: the EDL reader sets a start time"
PY
