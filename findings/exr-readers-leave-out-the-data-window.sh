#!/usr/bin/env bash
# A good guess: every reader gives an EXR frame in the size of its display window, the frame that the
#   artist sees, so pixel coordinates mean the same in all of them.
# What happens: only FFmpeg does. OpenCV, OpenEXR and OpenImageIO give the data window, the part that
#   is stored: smaller where a renderer cropped it, larger with overscan, and in either case the first
#   pixel is not the frame's corner. OpenCV has no way to ask for the offset.
# Versions: OpenEXR 3.5.3, OpenImageIO 3.2.2.0, OpenCV 4.13.0.92, PyAV 18.1.0.
# Why it matters: boxes of a detector that read through one library lie beside their object in the
#   other, by an offset that changes with every rendered frame. Add the data window's origin.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  openexr==3.5.3 openimageio==3.2.2.0 opencv-python-headless==4.13.0.92 av==18.1.0 numpy==2.4.6
cd "$work"
OPENCV_IO_ENABLE_OPENEXR=1 "$work/venv/bin/python" - <<'PY'
import av
import cv2
import numpy as np
import OpenEXR
import OpenImageIO

OBJECT = (20, 10)  # its left and top edge in the frame of 64x48


def write(path, left, top, right, bottom):
    """A frame of 64x48 of which the given pixels are stored, both ends included, with a white square on it."""
    pixels = np.zeros((bottom - top + 1, right - left + 1, 3), np.float32)
    x, y = OBJECT[0] - left, OBJECT[1] - top
    pixels[y : y + 4, x : x + 4] = 1
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "displayWindow": (np.array([0, 0], np.int32), np.array([63, 47], np.int32)),
        "dataWindow": (np.array([left, top], np.int32), np.array([right, bottom], np.int32)),
    }
    OpenEXR.File(header, {"RGB": pixels}).write(path)


def with_ffmpeg(path):
    with av.open(path) as clip:
        return next(clip.decode(video=0)).to_ndarray(format="rgb24")


READERS = {
    "FFmpeg": with_ffmpeg,
    "OpenCV": lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED),
    "OpenEXR": lambda path: OpenEXR.File(path).channels()["RGB"].pixels,
    "OpenImageIO": lambda path: OpenImageIO.ImageBuf(path).get_pixels(OpenImageIO.FLOAT),
}
print("OpenEXR", OpenEXR.__version__, "OpenImageIO", OpenImageIO.__version__, end=" ")
print("OpenCV", cv2.__version__, "PyAV", av.__version__)
expected = {"whole": ((64, 48), (20, 10)), "cropped": ((32, 32), (4, 2)), "overscan": ((80, 64), (28, 18))}
for name, window in (("whole", (0, 0, 63, 47)), ("cropped", (16, 8, 47, 39)), ("overscan", (-8, -8, 71, 55))):
    write(f"{name}.exr", *window)
    for library, read in READERS.items():
        pixels = read(f"{name}.exr")[..., 0]
        rows, columns = np.nonzero(pixels > 0.5 * pixels.max())
        seen = (pixels.shape[::-1], (int(columns.min()), int(rows.min())))
        print(f"{name:>8}, {library:<11}: size {seen[0]}, object at {seen[1]}")
        wanted = expected["whole" if library == "FFmpeg" else name]
        assert seen == wanted, f"CHANGED: {library} gives the {name} frame as {seen}, not {wanted}"
PY
