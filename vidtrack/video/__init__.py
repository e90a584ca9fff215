"""Video files in and out; the only part that imports PyAV."""

from vidtrack.video.build import available_hardware, library_versions
from vidtrack.video.codecs import available_codecs, codec_for
from vidtrack.video.ffmpeg_log import Problem
from vidtrack.video.limits import Limits
from vidtrack.video.probe import probe
from vidtrack.video.reader import VideoReader
from vidtrack.video.resume_point import Place
from vidtrack.video.writer import VideoWriter

__all__ = [
    "Limits",
    "Place",
    "Problem",
    "VideoReader",
    "VideoWriter",
    "available_codecs",
    "available_hardware",
    "codec_for",
    "library_versions",
    "probe",
]
