#!/usr/bin/env bash
# A good guess: a filter inside a clip that starts at in=20 counts its keyframes from the clip's
#   first shown frame, wherever in=20 is written.
# What happens: it depends on which element holds the in point. On <producer in="20"> keyframe 0 is
#   the first shown frame. On <entry in="20"> keyframe 0 is frame 0 of the source, so the
#   first shown frame is already at keyframe 20, even for a filter that is written inside the entry.
#   Give the filter in="20" as well and it counts from the shown frame again.
# Versions: MLT 7.12.0 (melt and libmlt7 7.12.0-1+deb12u1 of Debian 12).
# Why it matters: a track's box pasted as rect keyframes is 20 frames ahead of its object after a
#   trim in one project, and right in the other, though both show the same frames.
set -euo pipefail
pinned=7.12.0-1+deb12u1
[ "$(dpkg-query -W -f '${Version} ' melt libmlt7 2> /dev/null)" = "$pinned $pinned " ] ||
  { echo "needs Debian 12 and apt-get install melt=$pinned libmlt7=$pinned libmlt-data=$pinned"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

white='<property name="mlt_service">color</property><property name="resource">white</property><property name="length">100</property>'
box='<property name="mlt_service">affine</property><property name="background">color:black</property>
<property name="transition.fill">1</property><property name="transition.distort">1</property>
<property name="transition.rect">0=0 0 50 100;50=100 0 50 100</property>'

# Left edge of the box on the first shown frame; it moves 2 pixels per frame from 0.
edge() {
  cat > "$work/box.mlt" <<XML
<mlt><profile width="200" height="100" frame_rate_num="25" frame_rate_den="1" sample_aspect_num="1"
 sample_aspect_den="1" display_aspect_num="2" display_aspect_den="1" progressive="1" colorspace="709"/>
$1</mlt>
XML
  melt "$work/box.mlt" -consumer "avformat:$work/box.raw" f=rawvideo vcodec=rawvideo pix_fmt=gray an=1 real_time=-1 \
    > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  python3 - "$work/box.raw" <<'PY'
import sys

row = open(sys.argv[1], "rb").read(200)
print(next(x for x in range(200) if row[x] > 128))
PY
}

melt --version 2>&1 | head -1
expect() {
  local seen
  seen=$(edge "$3")
  echo "$1: box at x = $seen, keyframe $((seen / 2))"
  [ "$seen" = "$2" ] || { echo "CHANGED: expected x = $2"; exit 1; }
}
expect 'in="20" on the producer, filter inside        ' 0 \
  "<producer id='a' in='20' out='79'>$white<filter>$box</filter></producer>"
expect 'in="20" on the entry, filter in the producer  ' 40 \
  "<producer id='a'>$white<filter>$box</filter></producer><playlist><entry producer='a' in='20' out='79'/></playlist>"
expect 'in="20" on the entry, filter inside the entry ' 40 \
  "<producer id='a'>$white</producer><playlist><entry producer='a' in='20' out='79'><filter>$box</filter></entry></playlist>"
expect 'in="20" on producer and entry                 ' 40 \
  "<producer id='a' in='20' out='79'>$white<filter>$box</filter></producer><playlist><entry producer='a' in='20' out='79'/></playlist>"
expect 'in="20" on the entry and on the filter        ' 0 \
  "<producer id='a'>$white<filter in='20' out='79'>$box</filter></producer><playlist><entry producer='a' in='20' out='79'/></playlist>"
expect 'in="20" on the entry, filter on the playlist  ' 0 \
  "<producer id='a'>$white</producer><playlist><entry producer='a' in='20' out='79'/><filter>$box</filter></playlist>"
