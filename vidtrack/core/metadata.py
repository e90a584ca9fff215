"""When and by which version something was written."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib import metadata


def utc_now() -> str:
    """Current UTC time to the second; SOURCE_DATE_EPOCH overrides the clock for reproducible output."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def version_of(package: str, otherwise: str = "0+uninstalled") -> str:
    """Installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return otherwise
