#!/usr/bin/env bash
# A good guess: the fifth number of an MLT rect, the opacity, may be left out and then means 1.
# What happens: it does only while no neighbour gives it. Between a keyframe with opacity 1 and one
#   without, the picture fades: half gone in the middle, nearly black one frame before the second
#   keyframe, and whole again on it.
# Versions: MLT 7.12.0 (melt and libmlt7 7.12.0-1+deb12u1 of Debian 12).
# Why it matters: a cover or an inset that follows a tracked object flickers off at each keyframe
#   that leaves the opacity out. What it hides is shown. Give all five numbers on every keyframe.
set -euo pipefail
pinned=7.12.0-1+deb12u1
[ "$(dpkg-query -W -f '${Version} ' melt libmlt7 2> /dev/null)" = "$pinned $pinned " ] ||
  { echo "needs Debian 12 and apt-get install melt=$pinned libmlt7=$pinned libmlt-data=$pinned"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Grey level inside the moving white box on each frame.
levels() {
  cat > "$work/box.mlt" <<XML
<mlt><profile width="200" height="100" frame_rate_num="25" frame_rate_den="1" sample_aspect_num="1"
 sample_aspect_den="1" display_aspect_num="2" display_aspect_den="1" progressive="1" colorspace="709"/>
<producer id="white" in="0" out="20"><property name="mlt_service">color</property>
 <property name="resource">white</property><property name="length">21</property>
 <filter><property name="mlt_service">affine</property><property name="background">color:black</property>
  <property name="transition.fill">1</property><property name="transition.distort">1</property>
  <property name="transition.rect">$1</property></filter></producer></mlt>
XML
  melt "$work/box.mlt" -consumer "avformat:$work/box.raw" f=rawvideo vcodec=rawvideo pix_fmt=gray an=1 real_time=-1 \
    > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  python3 - "$work/box.raw" <<'PY'
import sys

pixels = open(sys.argv[1], "rb").read()
frames = [pixels[i : i + 20000] for i in range(0, len(pixels), 20000)]
print(*(max(frame) for frame in frames))
PY
}

melt --version 2>&1 | head -1
never=$(levels "0=0 0 50 100;10=50 0 50 100;20=100 0 50 100")
some=$(levels "0=0 0 50 100 1;10=50 0 50 100;20=100 0 50 100")
echo "opacity on no keyframe:        $never"
echo "opacity on the first keyframe: $some"
read -ra level <<< "$never"
for l in "${level[@]}"; do [ "$l" -gt 230 ] || { echo "CHANGED: the box fades without any opacity"; exit 1; }; done
read -ra level <<< "$some"
[ "${level[0]}" -gt 230 ] && [ "${level[5]}" -lt 140 ] && [ "${level[9]}" -lt 60 ] && [ "${level[10]}" -gt 230 ] ||
  { echo "CHANGED: the box no longer fades towards the keyframe without opacity"; exit 1; }
