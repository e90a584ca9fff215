"""The jobs of `vidtrack detect`: clips, and where their results go."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.batch.plan import Job
    from vidtrack.pipeline.config import RunConfig


def is_batch(inputs: Sequence[str], jobs: Sequence[Job]) -> bool:
    """Whether there are several clips, or may be in a later run: a folder that is not an image sequence."""
    from vidtrack.batch.plan import is_folder
    from vidtrack.batch.remote import location_of

    folders = [location_of(os.path.expanduser(text)) for text in inputs if is_folder(text)]
    return len(jobs) > 1 or any(folder != jobs[0].source for folder in folders)


def job_finder(
    inputs: list[str],
    output: str | None,
    no_video: bool,
    config: RunConfig,
    include: Sequence[str],
    exclude: Sequence[str],
    pipes_video: bool = False,
) -> Callable[[], list[Job]]:
    """A function that finds the jobs, called repeatedly for a watched folder; checks everything that needs no clip.

    The log goes to standard output if `output` is `-`, unless `pipes_video` sends the video there.
    """
    from vidtrack.batch.plan import plan
    from vidtrack.batch.remote import Address
    from vidtrack.video.codecs import codec_for, suffix_for

    if output == "-" or pipes_video:
        jobs = plan(inputs, None if output == "-" else output, None, include, exclude)
        if len(jobs) > 1:
            raise UsageError(f"standard output takes one clip, got {len(jobs)}", "give an output folder")
        if pipes_video:
            job = replace(jobs[0], video=stdout_video(), log=None if output == "-" else jobs[0].log)
        else:
            job = replace(jobs[0], log=stdout_log())
        return lambda: [job]

    def find() -> list[Job]:
        jobs = plan(inputs, output, None if no_video else suffix_for(config.video.codec), include, exclude)
        videos = (job.video for job in jobs if isinstance(job.video, Path | Address))
        for target in {Path(f"x{video.suffix}") for video in videos}:
            codec_for(config.video.codec, target).encoder_options(config.video.crf, config.video.preset)
        return jobs

    return find


def stdout_video() -> IO[bytes]:
    """Standard output, ready for raw video; raises UsageError if it is closed or a terminal."""
    if sys.stdout is None or not sys.stdout.writable():
        raise UsageError("standard output is closed", "write to a file with -o")
    if sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal", "pipe it into a player: vidtrack ... --stdout video | ffplay -"
        )
    return sys.stdout.buffer


def stdout_log() -> TextIO:
    """Standard output, ready for JSON lines; raises UsageError if it is closed."""
    if sys.stdout is None or not sys.stdout.writable():
        raise UsageError("standard output is closed", "write to a file with -o")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # JSON is UTF-8 in every locale
    return sys.stdout


def check_report(path: Path, jobs: Sequence[Job]) -> None:
    """Raise an error if the report would overwrite a clip or an output, is not a JSON file, or cannot be written."""
    from vidtrack.batch.manifest import FOLDER
    from vidtrack.core.atomic_files import check_writable

    if os.path.isdir(path):
        raise UsageError(f"--report {path} is a folder", "give a file name")
    for job in jobs:
        places = (place for place in (job.source, *job.outputs) if isinstance(place, Path))
        if os.path.realpath(path) in map(os.path.realpath, places):
            raise UsageError(f"--report {path} would overwrite a clip or an output", "choose another name")
    is_address = path.parts[0].endswith(":")  # as a path, s3://bucket/a is s3:/bucket/a
    if path.suffix.lower() != ".json" or path.absolute().parent.name == FOLDER or is_address:
        raise UsageError(f"--report cannot write to {path}", f"give a .json file outside {FOLDER}/")
    check_writable(path)
