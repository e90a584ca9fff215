"""Packages that are not installed with vidtrack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vidtrack.core.errors import UsageError


class MissingPackageError(UsageError, ImportError):
    """An optional package that is needed and not installed."""


def optional_package(name: str, purpose: str) -> Any:
    """Import a package; raises MissingPackageError with the command that installs it."""
    try:
        return import_module(name)
    except ImportError:
        top = name.partition(".")[0]
        raise MissingPackageError(f"{purpose} needs {top}", f"pip install {top}") from None
