"""Which model to load and onto which device, as plain values that can travel to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidtrack.model.detector import DeformableDETR


@dataclass(frozen=True)
class ModelChoice:
    """A model by name or path, and the device, precision and CPU threads to run it with."""

    name: str = "default"
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None  # None uses all cores
    require_compiled: bool = False  # fail if the compiled sampler is missing

    def load(self) -> DeformableDETR:
        """Load the model onto its device, downloading it if needed; raises UsageError or WeightsError."""
        from vidtrack import ops
        from vidtrack.model.checkpoint import load_model
        from vidtrack.model.device import limit_threads, resolve_device

        if self.require_compiled:
            ops.require_compiled(resolve_device(self.device).type)
        if self.threads is not None:
            limit_threads(self.threads)
        return load_model(self.name, self.device, self.precision)
