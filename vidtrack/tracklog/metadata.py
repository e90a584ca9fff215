"""When and by what a log is written."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidtrack.tracklog.reader import TrackLog


def utc_now() -> str:
    """Seconds in UTC; SOURCE_DATE_EPOCH stands in for the clock where a result must repeat to the byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def version_of(package: str, otherwise: str = "0+uninstalled") -> str:
    """Installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return otherwise


def noted(log: TrackLog, operation: str, **what: Any) -> TrackLog:
    """The log with a correction written into its header."""
    edit = {"op": operation, **what, "made": utc_now(), "version": version_of("vidtrack")}
    return replace(log, header=log.header | {"edits": [*log.header.get("edits", []), edit]})
