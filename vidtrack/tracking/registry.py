"""Every tracker by name; light to import. A new tracker is one module and one entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class TrackerEntry:
    """A tracker: `factory` is "module:class", called with the detector, its TrackerConfig and the class filter (K,)."""

    name: str
    summary: str
    factory: str

    def load(self) -> Any:
        """The factory, imported."""
        module, _, name = self.factory.partition(":")
        return getattr(import_module(module), name)


AUTO = "auto"  # instead of a name: the detector's own choice

TRACKERS: Mapping[str, TrackerEntry] = {
    entry.name: entry
    for entry in (
        TrackerEntry(
            "propagation",
            "Carries the decoder's queries from frame to frame; needs a Deformable DETR.",
            "vidtrack.tracking.propagation_tracker:PropagationTracker",
        ),
        TrackerEntry(
            "association",
            "Links detections by motion and overlap; works with every detector.",
            "vidtrack.tracking.association_tracker:AssociationTracker",
        ),
        TrackerEntry(
            "trackformer",
            "TrackFormer as published; needs weights of it.",
            "vidtrack.tracking.published_trackers:TrackFormerTracker",
        ),
        TrackerEntry(
            "motr",
            "MOTR as published; needs weights of it.",
            "vidtrack.tracking.published_trackers:MotrTracker",
        ),
        TrackerEntry(
            "roboflow-bytetrack",
            "ByteTrack of roboflow's trackers; needs vidtrack[trackers].",
            "vidtrack.tracking.roboflow_tracker:RoboflowByteTrack",
        ),
        TrackerEntry(
            "roboflow-ocsort",
            "OC-SORT of roboflow's trackers; needs vidtrack[trackers].",
            "vidtrack.tracking.roboflow_tracker:RoboflowOCSORT",
        ),
    )
}
