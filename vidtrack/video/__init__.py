"""Video files in and out; the only part that imports PyAV."""

from vidtrack.video.messages import Problem
from vidtrack.video.probe import probe
from vidtrack.video.reader import VideoReader

__all__ = ["Problem", "VideoReader", "probe"]
