"""What this installation of PyAV and FFmpeg can do, for `vidtrack doctor`."""

from __future__ import annotations

import av
from av.codec.hwaccel import hwdevices_available


def library_versions() -> dict[str, str]:
    """Versions of PyAV and of the FFmpeg libraries in it."""
    libraries = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {"av": av.__version__, **libraries}


def available_hardware() -> list[str]:
    """Names that `VideoReader(hwaccel=...)` takes; whether a driver is there shows when one is used."""
    return hwdevices_available()
