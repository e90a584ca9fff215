"""Video files in and out; the only part that imports PyAV."""

from vidtrack.video.codecs import available_codecs, codec_for, library_versions
from vidtrack.video.config import EncodeConfig, ReadConfig
from vidtrack.video.ffmpeg_log import Problem
from vidtrack.video.hardware import available_hardware
from vidtrack.video.limits import Limits
from vidtrack.video.live_reader import LiveReader
from vidtrack.video.probe import probe
from vidtrack.video.reader import VideoReader
from vidtrack.video.resume_point import ResumePoint
from vidtrack.video.stream_writer import VideoStreamWriter
from vidtrack.video.writer import VideoWriter

Reader = VideoReader | LiveReader

__all__ = [
    "EncodeConfig",
    "Limits",
    "LiveReader",
    "Problem",
    "ReadConfig",
    "Reader",
    "ResumePoint",
    "VideoReader",
    "VideoStreamWriter",
    "VideoWriter",
    "available_codecs",
    "available_hardware",
    "codec_for",
    "library_versions",
    "probe",
]
