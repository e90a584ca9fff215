"""ffmpeg itself, to make files with and to compare with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np


@dataclass(frozen=True)
class Shown:
    """What ffmpeg makes of a clip: images (H, W, 3) uint8 at times since the container's start, and pixel aspect."""

    images: tuple[np.ndarray, ...]
    seconds: tuple[Fraction, ...]
    sample_aspect_ratio: Fraction


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg; an error of it fails the test."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


def shown(clips: Mapping[str, Path], folder: Path) -> dict[str, Shown]:
    """Every clip as ffmpeg shows it by default, all in one run."""
    inputs: list[object] = []
    outputs: list[object] = []
    for number, (name, clip) in enumerate(clips.items()):
        inputs += ["-i", clip]
        common = ["-map", f"{number}:v:0", "-fps_mode", "passthrough", "-enc_time_base", "demux"]
        outputs += [*common, "-c:v", "ppm", "-f", "image2pipe", folder / f"{name}.ppm"]
        if name.startswith("sound"):  # which counts for where the container starts if it is used
            outputs += ["-map", f"{number}:a", "-f", "null", "-"]
        outputs += [*common, "-c:v", "rawvideo", "-f", "framecrc", folder / f"{name}.crc"]
    ffmpeg(*inputs, *outputs)
    return {name: _parsed(folder / f"{name}.ppm", folder / f"{name}.crc") for name in clips}


def _parsed(images: Path, times: Path) -> Shown:
    data, found, position = images.read_bytes(), [], 0
    while position < len(data):
        head = re.compile(rb"P6\s(\d+) (\d+)\s255\s").match(data, position)
        assert head is not None
        width, height = int(head[1]), int(head[2])
        position = head.end() + 3 * width * height
        found.append(np.frombuffer(data[head.end() : position], np.uint8).reshape(height, width, 3))
    text = times.read_text()
    tick, aspect = (Fraction(re.search(rf"#{key} 0: (\S+)", text)[1]) for key in ("tb", "sar"))  # type: ignore[index]
    pts = [int(line.split(",")[2]) for line in text.splitlines() if not line.startswith("#")]
    return Shown(tuple(found), tuple(n * tick for n in pts), aspect or Fraction(1))
