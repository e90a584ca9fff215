#!/usr/bin/env bash
# A good guess: set the encoder's colorspace to BT.709, feed it RGB frames, and PyAV converts them with
#   BT.709.
# What happens: it converts with BT.601 as ever and only writes "BT.709" into the file: red
#   (200, 40, 40) is read back as (212, 54, 36) by every reader that trusts the label. Left alone, the file
#   has no label and the colours survive. What does select the matrix is the colorspace set on the
#   RGB frame, where it has no meaning.
# Versions: PyAV 18.1.0 (FFmpeg 8.1).
# Why it matters: drawing boxes in RGB and copying the source's colour tags to the encoder, as
#   everybody is told to do, shifts every colour of the annotated video.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import av
import numpy as np

BT709 = 1
RED = np.full((720, 320, 3), (200, 40, 40), np.uint8)


def through_h264(encoder_tag=False, frame_tag=False, explicit=False):
    with av.open("clip.mp4", "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 720, "yuv420p"
        if encoder_tag:
            stream.codec_context.colorspace = BT709
        for i in range(3):
            frame = av.VideoFrame.from_ndarray(RED, format="rgb24")
            if frame_tag:
                frame.colorspace = BT709
            if explicit:
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open("clip.mp4") as clip:
        frame = next(clip.decode(video=0))
        return int(frame.colorspace), frame.to_ndarray(format="rgb24")[360, 160].tolist()


def is_red(colour):
    return max(abs(a - b) for a, b in zip(colour, (200, 40, 40))) <= 3


print("PyAV", av.__version__, "libswscale", av.library_versions["libswscale"])
plain, tagged = through_h264(), through_h264(encoder_tag=True)
by_frame, explicit = through_h264(True, frame_tag=True), through_h264(True, explicit=True)
print("no tags: label", *plain)
print("encoder tagged BT.709: label", *tagged)
print("encoder and RGB frame tagged: label", *by_frame)
print("encoder tagged, frames reformatted with dst_colorspace: label", *explicit)
assert plain[0] != BT709 and is_red(plain[1]), "CHANGED: untagged red is not red"
assert tagged[0] == BT709 and not is_red(tagged[1]), "CHANGED: PyAV converts to the encoder's matrix now"
assert is_red(by_frame[1]), "CHANGED: the tag of an RGB frame no longer selects the matrix"
assert explicit[0] == BT709 and is_red(explicit[1]), "CHANGED: dst_colorspace no longer selects the matrix"
PY
