#!/usr/bin/env bash
# A good guess: flatten_stack keeps each marker once, on the piece of the clip that still shows it.
# What happens: a clip that is cut in two by the clip above it puts all of its markers on both
#   pieces, in their old source times. Markers of the covered part stay too, and the track's own
#   markers vanish. Put on the flat timeline, a marker from the hidden part lands on the clip that
#   covers it, and the others appear twice.
# Versions: OpenTimelineIO 0.18.1.
# Why it matters: with one marker per tracked object, counts go up with every overlay, and objects
#   are shown where another clip plays. Filter by trimmed_range() after you flatten.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check OpenTimelineIO==0.18.1
"$work/venv/bin/python" - <<'PY'
import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange


def span(start, length):
    return TimeRange(RationalTime(start, 24), RationalTime(length, 24))


def clip(name, start, length, *markers):
    made = otio.schema.Clip(name, otio.schema.MissingReference(), span(start, length))
    made.markers.extend(otio.schema.Marker(f"at {at}", span(at, 1)) for at in markers)
    return made


below = otio.schema.Track("below", [clip("L", 0, 50, 5, 25, 40)])
below.markers.append(otio.schema.Marker("on the track", span(5, 1)))
above = otio.schema.Track("above", [otio.schema.Gap(source_range=span(0, 20)), clip("U", 0, 10)])
stack = otio.schema.Stack()
stack.extend([below, above])
flat = otio.algorithms.flatten_stack(stack)

print("OpenTimelineIO", otio.__version__)
placed = []
for piece in flat:
    shown = piece.trimmed_range()
    for marker in piece.markers:
        at = piece.transformed_time(marker.marked_range.start_time, flat).to_frames()
        inside = shown.contains(marker.marked_range.start_time)
        placed.append((piece.name, marker.name, at, inside))
        print(f"{piece.name} {shown.start_time.to_frames()}-{shown.end_time_inclusive().to_frames()}:", placed[-1][1:])
print("markers of the track:", [m.name for m in flat.markers])
assert len(placed) == 6, "CHANGED: the pieces no longer carry all three markers each"
assert sum(inside for *_, inside in placed) == 2, "CHANGED: another number of markers lies in its piece"
assert ("L", "at 25", 25, False) in placed, "CHANGED: the hidden marker no longer lands on the clip above"
assert len(flat.markers) == 0, "CHANGED: the track's markers are kept"
PY
