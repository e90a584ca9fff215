"""Small media files for tests, made with PyAV from the example clip."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidtrack.video.encoder import kept_scheduling

EXAMPLE_CLIP = Path(__file__).parents[1] / "examples" / "bikes.mp4"
CROP = struct.pack(">I4s8i", 40, b"clap", 120, 1, 48, 1, 4, 1, -2, 1)  # 24, 8, 16, 12 off left, top, right, bottom


@functools.cache
def example_frames(count: int, width: int = 160, height: int = 68) -> tuple[np.ndarray, ...]:
    """The first frames of the example clip as RGB (height, width, 3) uint8."""
    frames = []
    with av.open(str(EXAMPLE_CLIP)) as container:
        for frame in container.decode(video=0):
            frames.append(frame.reformat(width, height, "rgb24").to_ndarray())
            if len(frames) == count:
                break
    return tuple(frames)


@dataclass(frozen=True)
class Clip:
    """What to write; `pts` counts `time_base` units, by default one frame every 1/rate s."""

    frames: int = 24
    size: tuple[int, int] = (160, 68)
    rate: Fraction = Fraction(25)
    pts: Sequence[int] | None = None
    time_base: Fraction | None = None
    encoder: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "18", "g": "8", "bf": "2"})
    rotation: int = 0
    sample_aspect_ratio: Fraction = Fraction(1)
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    timecode: str | None = None
    audio: str | None = None  # encoder
    subtitles: tuple[tuple[float, float, str], ...] = ()  # (start s, duration s, text)
    numbered: bool = False  # frame i is one grey, 8 * i % 256, instead of an image


def write_clip(path: Path, clip: Clip = Clip()) -> Path:
    """Encode a clip; the container follows from the extension."""
    container = av.open(str(path), "w")
    time_base = clip.time_base or 1 / clip.rate
    stream = container.add_stream(clip.encoder, rate=clip.rate, options=clip.options)
    context = stream.codec_context
    context.width, context.height = clip.size
    context.pix_fmt = clip.pixel_format
    context.time_base = time_base
    context.sample_aspect_ratio = clip.sample_aspect_ratio
    context.color_primaries, context.color_trc, context.colorspace = clip.primaries, clip.transfer, clip.matrix
    if clip.rotation:
        stream.set_display_rotation(clip.rotation)
    if clip.timecode:
        stream.metadata["timecode"] = clip.timecode
    audio = container.add_stream(clip.audio, rate=48000) if clip.audio else None
    caption_codec = "mov_text" if path.suffix in (".mp4", ".mov") else "subrip"
    captions = container.add_mux_stream(caption_codec, time_base=Fraction(1, 1000)) if clip.subtitles else None
    with kept_scheduling():
        container.start_encoding()
    for i, image in enumerate(clip_images(clip)):
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=clip.pixel_format)
        frame.pts = clip.pts[i] if clip.pts else i
        frame.time_base = time_base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    seconds = (clip.pts[-1] if clip.pts else clip.frames) * time_base
    if audio is not None:
        write_tone(container, audio, seconds)
    for start, duration, text in clip.subtitles:
        container.mux(_caption(captions, caption_codec, start, duration, text))
    container.close()
    return path


def clip_images(clip: Clip) -> list[np.ndarray]:
    """The images `write_clip` encodes."""
    if clip.numbered:
        return [np.full((clip.size[1], clip.size[0], 3), 8 * i % 256, np.uint8) for i in range(clip.frames)]
    return list(example_frames(clip.frames, *clip.size))


def write_interlaced(path: Path, frames: int = 12, size: tuple[int, int] = (160, 96)) -> Path:
    """MPEG-2 with two fields a frame, half a frame apart in time: a white bar that moves 4 pixels a field."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme", "q:v": "2"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.bit_rate = 4_000_000
        graph = av.filter.Graph()
        pixel_format = av.VideoFormat("yuv420p")
        buffer = graph.add_buffer(width=width, height=height, format=pixel_format, time_base=Fraction(1, 25))
        graph.link_nodes(buffer, graph.add("setfield", "tff"), graph.add("buffersink")).configure()
        for i in range(frames):
            image = np.zeros((height, width, 3), np.uint8)
            image[0::2, 8 * i : 8 * i + 16] = 255
            image[1::2, 8 * i + 4 : 8 * i + 20] = 255
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            graph.vpush(frame)
            container.mux(stream.encode(graph.vpull()))
        container.mux(stream.encode(None))
    return path


def write_audio_only(path: Path, cover: bool = False) -> Path:
    """A second of tone, with cover art where asked (MP3 only)."""
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", rate=48000)
        picture = None
        if cover:
            picture = container.add_stream("mjpeg", rate=25)
            picture.codec_context.width, picture.codec_context.height = 160, 68
            picture.codec_context.pix_fmt = "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        container.start_encoding()
        if picture is not None:
            frame = av.VideoFrame.from_ndarray(example_frames(1)[0], "rgb24").reformat(format="yuvj420p")
            frame.pts = 0
            container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        write_tone(container, audio, Fraction(1))
    return path


def write_pictures(folder: Path, count: int = 5, pattern: str = "img_{}.png") -> list[Path]:
    """The example clip's first frames as image files, numbered from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, image in enumerate(example_frames(count), start=1):
        paths.append(folder / pattern.format(i))
        av.VideoFrame.from_ndarray(image, "rgb24").save(str(paths[-1]))
    return paths


def faststart(source: Path, target: Path) -> Path:
    """A copy of an MP4 with its index in front."""
    with av.open(str(source)) as old, av.open(str(target), "w", container_options={"movflags": "+faststart"}) as new:
        copies = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                new.mux(packet)
    return target


def cut_off(source: Path, target: Path, share: float) -> Path:
    """The first part of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def damaged(source: Path, target: Path, start: float, length: int, seed: int = 0) -> Path:
    """A copy with random bytes from that share of the file on."""
    data = bytearray(source.read_bytes())
    first = int(len(data) * start)
    noise = np.random.default_rng(seed).integers(0, 256, length, np.uint8).tobytes()
    data[first : first + length] = noise[: len(data) - first]
    target.write_bytes(data)
    return target


def without_index(source: Path, target: Path) -> Path:
    """An MP4 with its `moov` box left out, as after a crash of the recorder."""
    data, kept, position = source.read_bytes(), b"", 0
    while position < len(data):
        size, kind = struct.unpack(">I4s", data[position : position + 8])
        if kind != b"moov":
            kept += data[position : position + size]
        position += size
    target.write_bytes(kept)
    return target


def write_tone(container: av.container.OutputContainer, stream: Any, seconds: Fraction) -> None:
    """Mux a tone of 440 Hz, in stereo at 48 kHz."""
    rate, block = 48000, 1024
    format_name = stream.codec_context.format.name
    for start in range(0, int(seconds * rate), block):
        wave = np.sin(2 * np.pi * 440 * np.arange(start, start + block) / rate)
        frame = av.AudioFrame.from_ndarray(np.tile(wave.astype(np.float32), (2, 1)), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        for converted in av.AudioResampler(format_name, "stereo", rate).resample(frame):
            container.mux(stream.encode(converted))
    container.mux(stream.encode(None))


def _caption(stream: Any, codec: str, start: float, duration: float, text: str) -> av.Packet:
    payload = text.encode()
    if codec == "mov_text":
        payload = struct.pack(">H", len(payload)) + payload
    packet = av.Packet(payload)
    packet.stream = stream
    packet.time_base = Fraction(1, 1000)
    packet.pts = packet.dts = round(start * 1000)
    packet.duration = round(duration * 1000)
    return packet


def add_box(source: Path, target: Path, box: bytes = CROP) -> Path:
    """A copy of an H.264 MP4 or MOV with another box in its sample description."""
    data = bytearray(source.read_bytes())
    assert data.index(b"mdat") < data.index(b"moov")  # no offset moves

    def grow(path: tuple[bytes, ...], position: int, end: int) -> bool:
        while position < end:
            size, kind = struct.unpack_from(">I4s", data, position)
            if kind == path[0]:
                inside = position + (16 if kind == b"stsd" else 8)
                if len(path) == 1:
                    data[position + size : position + size] = box
                elif not grow(path[1:], inside, position + size):
                    return False
                struct.pack_into(">I", data, position, size + len(box))
                return True
            position += size
        return False

    assert grow((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"), 0, len(data))
    target.write_bytes(data)
    return target
