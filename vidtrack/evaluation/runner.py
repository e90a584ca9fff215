"""Scoring tracks against ground truth: one sequence or a benchmark of them, MOT files or track logs."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from vidtrack.core.class_names import listed
from vidtrack.core.errors import DataError
from vidtrack.evaluation.coverage import Coverage, cover
from vidtrack.evaluation.ignoring import Rules
from vidtrack.evaluation.metrics import Aligned, Measured, TrackingScores, align, combine, measure
from vidtrack.evaluation.pairs import Choices, read_pair
from vidtrack.evaluation.sequences import find_results, find_truths

COMBINED = "combined"


@dataclass(frozen=True)
class SequenceResult:
    """Scores of one sequence, what they come from, and what a person should know about them."""

    name: str
    measured: Measured
    aligned: Aligned
    rules: Rules
    frames_per_second: float | None
    notes: tuple[str, ...]

    @property
    def scores(self) -> TrackingScores:
        """The figures that are shown."""
        return self.measured.scores

    @cached_property
    def coverage(self) -> Coverage:
        """Which result covers which object, frame by frame."""
        return cover(self.aligned)

    @property
    def switches(self) -> list[dict[str, int]]:
        """Where identity broke: the frame, the object, and the ids before and after."""
        found = self.coverage
        return [
            {
                "frame": int(found.frames[n]),
                "object": int(found.truth_ids[n]),
                "before": int(found.instead_of[n]),
                "after": int(found.covered_by[n]),
            }
            for n in np.flatnonzero(found.switched)
        ]


@dataclass(frozen=True)
class TrackEvaluation:
    """Scores of every sequence, and of all together if there are several."""

    sequences: tuple[SequenceResult, ...]
    combined: TrackingScores | None

    @property
    def rows(self) -> dict[str, TrackingScores]:
        """Scores by name, those of all together last."""
        named = {one.name: one.scores for one in self.sequences}
        return named if self.combined is None else named | {COMBINED: self.combined}


def evaluate(
    truth: Path, results: Path, choices: Choices | None = None, sequences: Many[str] | None = None
) -> TrackEvaluation:
    """Score `results` against `truth`, each a file or a folder as `find_truths` and `find_results` say.

    Raises DataError or UsageError for what does not fit together, LogError for a damaged log.
    """
    choices = choices or Choices()
    truths = find_truths(truth, sequences)
    files = find_results(results, [one.name for one in truths])
    pairs = [read_pair(one, files[one.name], choices) for one in truths]
    if not any(len(pair.result) for pair in pairs):
        notes = [note for pair in pairs for note in pair.notes]
        raise DataError(f"nothing to score: {listed(notes, 3)}", "for track logs, --classes selects what is scored")
    scored = []
    for pair in pairs:
        aligned = align(pair.truth, pair.result, len(pair.scored), pair.rules)
        measured = replace(measure(aligned), frames=int(pair.scored.sum()))
        scored.append(SequenceResult(pair.name, measured, aligned, pair.rules, pair.frames_per_second, pair.notes))
    combined = combine([one.measured for one in scored]).scores if len(scored) > 1 else None
    return TrackEvaluation(tuple(scored), combined)
