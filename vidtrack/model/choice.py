"""Which model to load and onto which device, as plain values that can travel to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidtrack.model.protocol import Detector


@dataclass(frozen=True)
class ModelChoice:
    """A model by name or path, and how to run it."""

    name: str = "default"
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None  # None uses all cores
    require_compiled: bool = False  # fail if the compiled sampler is missing
    prompt: tuple[str, ...] | None = None  # what to find, for models that read text

    def load(self) -> Detector:
        """Load the model onto its device, downloading it if needed; raises UsageError or WeightsError."""
        from vidtrack import ops
        from vidtrack.model.detectors import load_model
        from vidtrack.model.device import limit_threads, resolve_device

        if self.require_compiled:
            ops.require_compiled(resolve_device(self.device).type)
        if self.threads is not None:
            limit_threads(self.threads)
        return load_model(self.name, self.device, self.precision, self.prompt)
