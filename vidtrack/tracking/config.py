"""Every parameter of the trackers in one value; times in seconds, never in frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidtrack.core.errors import UsageError
from vidtrack.tracking.registry import AUTO, TRACKERS

if TYPE_CHECKING:  # this module is imported for the command line's help, which must be quick
    from vidtrack.tracklog.zones import Zone


@dataclass(frozen=True)
class HindsightConfig:
    """How tracks are revised by what comes after; docs/tracking.md says what each does."""

    seconds: float = 0.5  # that frames wait, and the longest gap that is interpolated
    min_seconds: float = 0.2  # a track seen for less is left out ...
    sure_score: float = 0.7  # ... unless a detection of it had this score


@dataclass(frozen=True)
class TrackerConfig:
    """Thresholds of the trackers. Scores, similarities and IoU lie in [0, 1]; docs/tracking.md says what each does."""

    mode: str = AUTO  # or a name of tracking.registry.TRACKERS; benchmarks/tracking.md compares them
    max_tracks: int = 300  # simultaneous tracks; further objects start none
    scene_cuts: bool = True  # end all tracks at a hard cut
    camera_motion: bool = True  # move tracks with the camera

    high_score: float = 0.35  # detections of at least this score are matched first
    low_score: float = 0.15  # detections below are dropped; from here to high_score they only continue tracks
    new_track_threshold: float = 0.35  # minimum score of an unmatched detection that starts a track
    class_thresholds: tuple[float, ...] = ()  # the same for each class number; empty is the same for all
    regions: tuple[Zone, ...] = ()  # only detections whose centre lies in one of them count; empty is everywhere
    ignored_regions: tuple[Zone, ...] = ()  # detections whose centre lies in one of them do not count

    match_iou: float = 0.05  # minimum similarity of a track and a high-score detection
    second_match_iou: float = 0.4  # minimum similarity of a track and a low-score detection
    tentative_iou: float = 0.25  # minimum similarity of an unconfirmed track and its next detection
    absence_penalty: float = 0.06  # subtracted from the similarity per second that a track was not seen
    class_penalty: float = 0.3  # subtracted from the similarity if the classes disagree
    appearance_weight: float = 0.25  # of agreement in colour, added to the similarity; 0 does not look at colours

    confirm_score: float = 0.9  # a new track of at least this score gets its id at once, others when seen again
    max_age_seconds: float = 2.0  # a track that was not seen for longer ends
    reidentify_seconds: float = 4.0  # the same with images; after `max_age_seconds` only colours bring it back
    recovery_gate_sigma: float = 2.5  # Mahalanobis distance within which a lost track is recovered
    recovery_min_size_ratio: float = 0.5  # minimum ratio of its widths and of its heights, before and after

    nms_iou: float = 0.5  # of two detections of one class with a larger IoU, the better stays
    cross_class_nms_iou: float = 0.9  # the same for detections of different classes
    new_track_max_iou: float = 0.4  # maximum IoU of a new track with a track seen in the frame, or a better new one
    part_min_inside: float = 0.8  # a detection is a part of an object of its class if this share of it lies inside ...
    part_max_area: float = 0.3  # ... and it covers at most this share of the object; parts start no track

    class_half_life_seconds: float = 10.0  # time in which a track's old class votes lose half their weight

    track_query_weight: float = 0.3  # of a carried query's score times its IoU, added to the similarity
    track_query_score: float = 0.2  # minimum score, for its class, of a carried query that an undetected track follows
    track_query_iou: float = 0.4  # minimum IoU of a carried query's box with the predicted box

    def __post_init__(self) -> None:
        if self.mode not in (AUTO, *TRACKERS):
            raise UsageError(f"unknown tracker {self.mode!r}", f"choose one of {', '.join((AUTO, *TRACKERS))}")
        if not 0 <= self.low_score <= self.high_score <= self.new_track_threshold <= 1:
            raise UsageError(
                "tracker scores must satisfy 0 <= low <= high <= new-track threshold <= 1, not "
                f"{self.low_score}, {self.high_score}, {self.new_track_threshold}"
            )
        if self.max_tracks < 1:
            raise UsageError(f"max_tracks must be at least 1, not {self.max_tracks}")
