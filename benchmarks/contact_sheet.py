"""Contact sheet of every nth frame of a video.

python benchmarks/contact_sheet.py bikes.tracked.mp4 docs/bikes.jpg --every 25
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from vidtrack.video import VideoReader


def sheet(video: Path, every: int, columns: int, width: int) -> np.ndarray:
    """BGR image of the frames whose index is a multiple of `every`, each `width` pixels wide."""
    tiles = []
    with VideoReader(video) as reader:
        for frame in reader:
            if frame.index % every == 0:
                height = round(frame.image.shape[0] * width / frame.image.shape[1])
                tiles.append(cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA))
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)[..., ::-1]


def main() -> None:
    """Parse and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--every", type=int, default=25)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--width", type=int, default=320)
    arguments = parser.parse_args()
    image = sheet(arguments.video, arguments.every, arguments.columns, arguments.width)
    cv2.imwrite(str(arguments.output), image, [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()
