"""Packages that are not installed with vidtrack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vidtrack.core.errors import UsageError


class MissingPackageError(UsageError, ImportError):
    """An optional package that is needed and not installed."""


def optional_package(name: str, purpose: str, extra: str | None = None) -> Any:
    """Import a package; raises MissingPackageError with the command that installs it, or the `extra` it belongs to."""
    try:
        return import_module(name)
    except ImportError:
        top = name.partition(".")[0]
        what = f"'vidtrack[{extra}]'" if extra else top
        raise MissingPackageError(f"{purpose} needs {top}", f"pip install {what}") from None
