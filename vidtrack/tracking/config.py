"""Every choice the tracker makes, in one value; times in seconds, never in frames."""

from __future__ import annotations

from dataclasses import dataclass

from vidtrack.core.errors import UsageError

MODES = ("propagation", "association")


@dataclass(frozen=True)
class TrackerConfig:
    """Thresholds of the tracker; similarities and scores lie in [0, 1], times are seconds."""

    mode: str = "association"  # propagation has not won with any weights yet, see benchmarks/tracking.md
    max_tracks: int = 300
    scene_cuts: bool = True  # a hard cut ends all tracks
    camera_motion: bool = True  # tracks move with the camera

    high_score: float = 0.35  # detections from here on are matched first
    low_score: float = 0.15  # from here up to high_score: second chance only, for tracks seen a moment ago
    new_track_threshold: float = 0.35  # an unmatched detection from here on starts a track

    match_iou: float = 0.05  # least similarity of a track with a high detection
    second_match_iou: float = 0.4  # least similarity of a track with a low detection
    tentative_iou: float = 0.25  # least similarity of an unconfirmed track with its next detection
    absence_penalty: float = 0.06  # taken off the similarity for every second the track was not seen
    class_penalty: float = 0.3  # taken off the similarity where the classes disagree

    confirm_score: float = 0.9  # a birth this sure gets its id at once, any other when it is seen again
    max_age_seconds: float = 2.0  # a track unseen for longer has ended
    recovery_gate_sigma: float = 2.5  # how far from its prediction a lost track is found again, in standard deviations
    recovery_min_size_ratio: float = 0.5  # ... and the least ratio of its width and height then and now

    duplicate_iou: float = 0.5  # detections of one class that overlap this much are one object
    cross_class_iou: float = 0.9  # ... and of different classes
    birth_overlap: float = 0.4  # no birth on a track seen in this frame, or on a better birth
    part_inside: float = 0.8  # nor by what lies so far inside a track of its class
    part_area: float = 0.3  # ... and covers no more of it: a part of that object

    class_half_life_seconds: float = 10.0  # how fast old class votes fade

    carried_score: float = 0.55  # own class score from which a carried query is believed
    carried_iou: float = 0.4  # least IoU of a carried query's box with the motion's prediction

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"unknown tracker {self.mode!r}", f"choose one of {', '.join(MODES)}")
        if not 0 <= self.low_score <= self.high_score <= self.new_track_threshold <= 1:
            raise UsageError(
                "tracker scores must satisfy 0 <= low <= high <= birth <= 1, not "
                f"{self.low_score}, {self.high_score}, {self.new_track_threshold}"
            )
        if self.max_tracks < 1:
            raise UsageError(f"max_tracks must be at least 1, not {self.max_tracks}")
