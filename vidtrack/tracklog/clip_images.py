"""Single images of a log's clip, found by their time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from vidtrack.core.errors import InputError
from vidtrack.core.types import VideoInfo
from vidtrack.tracklog.header import Source
from vidtrack.tracklog.provenance import find_source, is_source
from vidtrack.video import ReadConfig, VideoReader, probe
from vidtrack.video.image_sequence import is_sequence


class ClipImages:
    """The clip of a log that was read from `log_path`; it is looked for when the first image is taken."""

    def __init__(self, source: Source, log_path: Path | None) -> None:
        self._source, self._log_path = source, log_path

    @cached_property
    def info(self) -> VideoInfo:
        """The clip; raises InputError if it cannot be found or has other content than the one that was tracked."""
        path = find_source(self._source, self._log_path or Path("log"))
        if path is None:
            raise InputError(f"cannot find {self._source.path}, the clip of the log", "move it beside the log")
        if not is_source(path, self._source):
            raise InputError(f"{path} is not the clip of the log: its content differs")
        return probe(path, self._framerate(path), stream=self._source.stream)

    def at(self, times: Iterable[Fraction]) -> Iterator[np.ndarray]:
        """The image (H, W, 3) RGB on screen from each of these times on, in seconds; each is found by a seek."""
        for seconds in times:
            config = ReadConfig(seconds, framerate=self._framerate(self.info.path), stream=self._source.stream)
            with VideoReader(self.info, config) as reader:
                yield next(iter(reader)).image

    def _framerate(self, path: Path) -> Fraction | None:
        return self._source.average_rate if is_sequence(path) else None
