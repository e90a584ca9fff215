"""Closed captions within a video stream (CEA-608/708), as ATSC A/53 stores them."""

from __future__ import annotations

from typing import Any

import av

from vidtrack.video.codecs import VideoCodec
from vidtrack.video.ffmpeg_log import ProblemLog
from vidtrack.video.side_data import frame_side_data

_MOST_TRIPLETS = 31  # per image: the standard counts them in 5 bits
_T35_HEAD = b"\xb5\x00\x31GA94\x03"  # country USA, provider ATSC, "these are captions"
_SEI_NAL = {"libx264": b"\x06", "libx265": b"\x4e\x01"}  # header of a NAL unit that describes the next image
_START = b"\0\0\1"


def captions_of(frame: av.VideoFrame) -> bytes:
    """The captions that come with a frame, three bytes each; empty if there are none."""
    return frame_side_data(frame).get("A53_CC", b"")


class Captions:
    """Puts the captions of frames into their encoded images, where the codec has a place for them."""

    def __init__(self, codec: VideoCodec, problems: ProblemLog) -> None:
        self._codec, self._problems = codec, problems
        self._waiting: dict[int, bytes] = {}  # by pts of the frame
        self._lost = False

    def keep(self, pts: int, captions: bytes) -> None:
        """Hold the captions of a frame until it is encoded."""
        if captions and self._codec.encoder in _SEI_NAL:
            self._waiting[pts] = captions
        elif captions and not self._lost:
            self._lost = True
            self._problems.add(f"{self._codec.name} cannot hold the closed captions (CEA-608/708) of the clip")

    def added_to(self, packet: Any) -> Any:
        """The encoded image, with its captions if it has any."""
        captions = self._waiting.pop(packet.pts, b"")
        return with_captions(packet, captions, self._codec.encoder) if captions else packet


def with_captions(packet: Any, captions: bytes, encoder: str) -> Any:
    """An encoded image (Annex B) with `captions` for it, in a supplemental enhancement information message."""
    data = captions[: 3 * _MOST_TRIPLETS]
    payload = _T35_HEAD + bytes([0x40 | len(data) // 3, 0xFF]) + data + b"\xff"
    message = bytes([4]) + b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255]) + payload + b"\x80"
    unit = b"\0" + _START + _SEI_NAL[encoder] + _escaped(message)
    image = bytes(packet)
    place = _first_slice(image, encoder)
    made: Any = av.Packet(image[:place] + unit + image[place:])
    made.pts, made.dts, made.duration, made.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    made.is_keyframe = packet.is_keyframe
    return made


def _first_slice(image: bytes, encoder: str) -> int:
    """Where the first NAL unit with pixels starts, its start code included."""
    at = image.find(_START)
    while at >= 0:
        header = image[at + 3]
        if header & 0x1F in range(1, 6) if encoder == "libx264" else header >> 1 & 0x3F < 32:
            return at - 1 if at and image[at - 1] == 0 else at
        at = image.find(_START, at + 3)
    return 0


def _escaped(message: bytes) -> bytes:
    """The message without anything that looks like a start code (emulation prevention of H.264 and HEVC)."""
    escaped, zeros = bytearray(), 0
    for byte in message:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(escaped)
