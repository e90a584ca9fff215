"""Colour: the YUV matrix to convert with, in and out, so that a round trip keeps it; bit depth; white in HDR."""

from __future__ import annotations

from av import VideoFormat, VideoFrame

from vidtrack.core.types import Colour

_BT709, _BT601 = 1, 6
# AVColorSpace to the matrices swscale has.
_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
TRANSPARENCY = "the image has transparent parts: their hidden colours are read too, and the output is opaque"
# Transfer functions of ITU-T H.273 whose values look wrong if shown as they are.
_SCENE_TRANSFERS = {8: "linear light", 9: "logarithmic", 10: "logarithmic", 17: "SMPTE ST 428 (digital cinema)"}
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG


def known_matrix(matrix: int, size: tuple[int, int]) -> int:
    """The AVColorSpace to assume: as tagged, else as players guess, BT.709 from high definition on."""
    if matrix in _SWSCALE_MATRIX:
        return matrix
    return _BT709 if max(size) >= 1280 or min(size) > 576 else _BT601


def swscale_matrix(matrix: int, size: tuple[int, int]) -> int:
    """The swscale constant of `known_matrix`."""
    return _SWSCALE_MATRIX[known_matrix(matrix, size)]


def bit_depth(pixel_format: str) -> int:
    """Bits of a pixel format's widest sample."""
    return max((component.bits for component in VideoFormat(pixel_format).components), default=8)


def is_transparent(frame: VideoFrame) -> bool:
    """True if some of the frame is not opaque."""
    if not any(component.is_alpha for component in frame.format.components):
        return False
    return int(frame.reformat(format="rgba").to_ndarray()[..., 3].min()) < 255


def graphics_white(colour: Colour) -> float:
    """The signal, of 1, that graphics take for white: below 1 if that would be a highlight (ITU-R BT.2408)."""
    return {16: 0.58, 18: 0.75}.get(colour.transfer, 1.0)


def hdr_name(colour: Colour) -> str:
    """The name of an HDR transfer function."""
    return {16: "PQ (HDR10)", 18: "HLG"}[colour.transfer]


def transfer_note(transfer: int) -> str:
    """What to say of a transfer function that is not converted; empty if it is made for displays."""
    name = _SCENE_TRANSFERS.get(transfer)
    return f"the video's colours are {name}: they are read as they are, which may look too dark or flat" if name else ""
