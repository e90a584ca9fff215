"""Whether a clip's results already exist, told by content and parameters and not by file names."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

from vidtrack.batch.plan import LocalJob
from vidtrack.core.errors import LogError
from vidtrack.model.protocol import Detector
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracklog import read_ends
from vidtrack.tracklog.provenance import hash_content, hash_parameters
from vidtrack.video.image_sequence import image_paths, is_sequence


class Finding(Enum):
    """What is at the places a job would write to."""

    ABSENT = "absent"
    DONE = "done"
    UNFINISHED = "unfinished"  # the same work, interrupted, failed or lacking a file
    OTHER = "other"  # of another clip, model or choice of parameters, or not ours


def find_earlier(job: LocalJob, config: RunConfig, model: Detector) -> Finding:
    """Compare what is there with what the job would make."""
    present = [target for target in job.outputs if os.path.exists(target)]
    if not present:
        return Finding.ABSENT
    if not isinstance(job.log, Path) or job.log not in present:
        return Finding.OTHER
    try:
        header, footer = read_ends(job.log)
    except LogError:
        return Finding.OTHER
    content = hash_content(image_paths(job.source) if is_sequence(job.source) else [job.source])
    same = (
        header.source.hash == content
        and header.run.parameters_sha256 == hash_parameters(config.parameters())
        and header.model.sha256 == model.origin.sha256
        and header.model.classes == model.class_names  # a prompt gives the same weights other classes
    )
    if not same:
        return Finding.OTHER
    ended = footer is not None and footer.status.is_finished
    return Finding.DONE if ended and len(present) == len(job.outputs) else Finding.UNFINISHED
