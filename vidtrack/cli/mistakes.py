"""What a person meant who typed a command or an option of another tool, or a file in place of a command."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Sequence

COMMANDS = (
    "detect track report export render show count validate merge split relabel drop review import probe schema doctor "
    "eval weights train data"
).split()
_MEANT = {  # by what it is called elsewhere
    "vidtrack detect CLIP": "annotate demo infer inference predict process run test video",
    "vidtrack render LOG --blur": "anonymise anonymize blur censor hide redact",
    "vidtrack render LOG": "draw overlay plot visualise visualize",
    "vidtrack render LOG --crop-track ID": "crop follow reframe",
    "vidtrack show LOG": "info list ls print stats summary",
    "vidtrack report LOG": "html open play view",
    "vidtrack export LOG --to FORMAT": "convert csv save",
    "vidtrack eval tracks TRUTH RESULTS": "benchmark evaluate metrics score val",
    "vidtrack weights pull MODEL": "download models pull",
    "vidtrack doctor": "check env version",
}
_OPTIONS = {  # what other trackers call it
    "--conf": "--score",
    "--confidence": "--score",
    "--threshold": "--score",
    "--imgsz": "--size",
    "--img-size": "--size",
    "--resize": "--size",
    "--weights": "--model",
    "--detector": "--model",
    "--half": "--precision float16",
    "--vid-stride": "--stride",
    "--vid_stride": "--stride",
    "--project": "-o",
    "--out": "-o",
    "--save-dir": "-o",
    "--max-det": "--max-tracks",
    "--workers": "--jobs",
    "--source": "INPUT, without an option name",
    "--input": "INPUT, without an option name",
    "--save-txt": "vidtrack export LOG --to mot",
    "--save-json": "the track log, which is always written",
    "--device-id": "--device",
    "--fps": "--framerate, for image sequences",
    "--classes-filter": "--classes",
    "--tracker-type": "--tracker",
    "--nosave": "--no-video",
}
_NO_COMMAND = re.compile(r"No such command '(.*?)'\.?(?: |$)", re.DOTALL)


def meant_option(name: str | None) -> str | None:
    """A sentence for an option that other trackers have."""
    own = _OPTIONS.get(name or "")
    return None if own is None else f"no such option {name}: use {own}"


def meant_command(message: str, arguments: Sequence[str]) -> str | None:
    """A sentence for a command that does not exist, from the parser's message about it; None for another message."""
    found = _NO_COMMAND.match(message)
    if found is None:
        return None
    typed = found[1]
    if os.path.exists(typed) or "://" in typed:
        command = "show" if typed.endswith((".jsonl", ".jsonl.gz")) else "detect"
        return f"a command is missing (vidtrack {shlex.join([command, *arguments])})"
    for command, names in _MEANT.items():
        if typed.lower() in names.split():
            return f"no such command {typed} ({command}; see vidtrack --help)"
    near = difflib.get_close_matches(typed.lower(), COMMANDS, 1)
    hint = f"did you mean vidtrack {near[0]}?" if near else "see vidtrack --help"
    return f"no such command {typed} ({hint})"
