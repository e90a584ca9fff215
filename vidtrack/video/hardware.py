"""Hardware decoders, if a driver is installed."""

from __future__ import annotations

from pathlib import Path

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

from vidtrack.core.errors import UsageError
from vidtrack.video.container import open_container, video_stream
from vidtrack.video.ffmpeg_log import ProblemLog, reason


class HardwareDecodeError(Exception):
    """The hardware decoder gave up; the file can be decoded again in software."""


def available_hardware() -> list[str]:
    """Names that `ReadConfig.hwaccel` takes; whether a driver is installed shows on use."""
    return hwdevices_available()


def open_hardware(path: Path, name: str, stream: int, problems: ProblemLog) -> av.container.InputContainer | None:
    """Open with a hardware decoder ("auto" tries each); None, and a problem that says why, if that fails."""
    known = hwdevices_available()
    if name != "auto" and name not in known:
        raise UsageError(f"unknown hardware decoder {name!r}", f"this build knows: auto, {', '.join(known)}")
    reasons = []
    for device in known if name == "auto" else [name]:
        try:
            container = open_container(path, HWAccel(device, allow_software_fallback=True))
        except (av.FFmpegError, OSError, RuntimeError, ValueError, NotImplementedError) as error:
            reasons.append(f"{device}: {reason(error)}")
            continue
        if video_stream(container, path, stream).codec_context.is_hwaccel:
            return container
        reasons.append(f"{device}: not for this codec")
        container.close()
    problems.add(f"hardware decoding is not available ({'; '.join(reasons)}); decoding in software")
    return None
