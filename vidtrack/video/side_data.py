"""What FFmpeg attaches to frames and streams beside the pixels: orientation, crop, Dolby Vision, captions."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

from vidtrack.video.ffmpeg_log import FFmpegMessages

_UNKNOWN_TYPE = re.compile(r"(\d+) is not a valid Type")
_MOST_UNKNOWN = 8  # side data types per frame that this PyAV has no name for
# PyAV 18 frees the metadata of side data twice once it has been read. Only the PNG decoder attaches any, the name of
# the colour profile, to frames of these formats.
_PNG_FORMATS = frozenset("gray gray16be monob pal8 rgb24 rgb48be rgba rgba64be ya16be ya8".split())
_ICC_PROFILE = 15  # AV_FRAME_DATA_ICC_PROFILE
_STREAM = re.compile(r"^  Stream #0:(\d+)", re.MULTILINE)
# Anchored with the indentation, which no text of the file's metadata can have.
_CROPPING = re.compile(r"^ {6}Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)", re.MULTILINE)  # left, right, top, bottom
_DOVI_PROFILE = re.compile(r"^ {6}DOVI configuration record:.*? profile: (\d+)", re.MULTILINE)
_TILE_GRID = re.compile(r"^  Stream group #.*Tile Grid", re.MULTILINE)


@dataclass(frozen=True)
class StreamSideData:
    """Side data of a video stream; `crop` is (left, top, right, bottom) in pixels."""

    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    dolby_vision_profile: int | None = None


def frame_side_data(frame: av.VideoFrame) -> dict[str, bytes]:
    """Side data of a frame by FFmpeg's name (DISPLAYMATRIX, A53_CC, ...), but for the colour profile of a PNG."""
    if frame.format.name in _PNG_FORMATS:
        frame = _without_side_data(frame, _ICC_PROFILE)
    for _ in range(_MOST_UNKNOWN):
        try:
            held: Any = frame.side_data  # iterates over the data, whatever its type stub says
            return {data.type.name: bytes(data) for data in held}
        except ValueError as error:  # PyAV 18 fails on types it has no name for, such as EXIF, and hides the others
            unknown = _UNKNOWN_TYPE.search(str(error))
            if unknown is None:
                raise
            frame = _without_side_data(frame, int(unknown[1]))
    return {}


def display_matrix(frame: av.VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers of the frame's display matrix, row by row; None if it has none."""
    matrix = frame_side_data(frame).get("DISPLAYMATRIX")
    return None if matrix is None else struct.unpack("=9i", matrix)


def stream_side_data(container: av.container.InputContainer, stream: Any) -> StreamSideData:
    """Side data of a stream. PyAV gives no access to it but through FFmpeg's description of the container."""
    description = _describe(container)
    starts = {int(found[1]): found.end() for found in _STREAM.finditer(description)}
    start = starts.get(stream.index)
    if start is None:
        return StreamSideData()
    section = description[start : min((s for s in starts.values() if s > start), default=None)]
    crop, profile = _CROPPING.search(section), _DOVI_PROFILE.search(section)
    left, right, top, bottom = (int(n) for n in crop.groups()) if crop else (0, 0, 0, 0)
    return StreamSideData((left, top, right, bottom), int(profile[1]) if profile else None)


def is_tiled(container: av.container.InputContainer) -> bool:
    """True for a HEIF image stored as a grid of tiles, each a stream of its own."""
    dependent = av.stream.Disposition.dependent
    return any(s.disposition & dependent for s in container.streams.video) and bool(
        _TILE_GRID.search(_describe(container))
    )


def _describe(container: av.container.InputContainer) -> str:
    with FFmpegMessages() as messages:
        return messages.description(container)


def _without_side_data(frame: av.VideoFrame, kind: int) -> av.VideoFrame:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    graph.link_nodes(source, graph.add("sidedata", f"mode=delete:type={kind}"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()
