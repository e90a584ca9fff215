"""What a run reports: JSON lines, TensorBoard if it is installed, and curves as a PNG."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.evaluation.detection import DetectionScores


class MetricsLog:
    """Appends to `metrics.jsonl`; lines past the step a run resumes from are dropped first."""

    def __init__(self, folder: Path, step: int, report: Callable[[dict[str, Any]], None], quiet: bool = False) -> None:
        self.path, self.report, self.quiet = folder / "metrics.jsonl", report, quiet
        self.board = None
        if quiet:
            return
        kept = [line for line in read_metrics(self.path) if line["step"] <= step]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept))
        self.file = self.path.open("a", buffering=1)
        self.board = _tensorboard(folder / "tensorboard")

    def train(
        self, step: int, losses: dict[str, float], rate: float, norm: float, speed: float, seconds: float
    ) -> None:
        """Mean losses since the last line, learning rate, gradient norm, images per second, seconds trained."""
        rounded = {name: round(value, 5) for name, value in losses.items()}
        self._write(
            {
                "step": step,
                "losses": rounded,
                "lr": rate,
                "gradient_norm": round(norm, 4),
                "images_per_second": round(speed, 2),
                "seconds": round(seconds, 1),
            }
        )
        self._board({f"loss/{name}": value for name, value in losses.items()} | {"lr": rate}, step)

    def evaluation(self, step: int, results: dict[str, DetectionScores], images: int) -> None:
        """One evaluation; `images` is the limit it ran under, 0 for none."""
        sets = {name: _summary(scores) for name, scores in results.items()}
        self._write({"step": step, "evaluation": sets, "images": images})
        self._board({f"ap50/{name}": summary["ap50"] for name, summary in sets.items()}, step)

    def evaluated(self, step: int, sets: Iterable[str], images: int) -> bool:
        """Whether the log has the evaluation of these sets at this step under this limit."""
        asked = (step, set(sets), images)
        return asked in [
            (line["step"], set(line["evaluation"]), line.get("images", line.get("pictures")))
            for line in read_metrics(self.path)
            if "evaluation" in line
        ]

    def plot(self) -> None:
        """Draw the curves, beside the log."""
        if not self.quiet:
            from vidtrack.training.plot import plot_metrics

            plot_metrics(read_metrics(self.path), self.path.with_suffix(".png"))

    def close(self) -> None:
        """Flush and close."""
        if not self.quiet:
            self.file.close()
            if self.board is not None:
                self.board.close()

    def _write(self, line: dict[str, Any]) -> None:
        if not self.quiet:
            self.file.write(json.dumps(line) + "\n")
            self.report(line)

    def _board(self, values: dict[str, float], step: int) -> None:
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)


def _summary(scores: DetectionScores) -> dict[str, Any]:
    """Means over the classes with boxes, 0 without any, and the scores of each class."""
    means = scores.means() if scores.classes else {"ap": 0.0, "ap50": 0.0}
    fields = ("name", "ap", "ap50", "boxes", "images")
    classes = [{name: getattr(one, name) for name in fields} for one in scores.classes]
    return {"ap": means["ap"], "ap50": means["ap50"], "classes": classes}


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a last line cut short by a crash is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines


def mean_ap50(lines: Iterable[dict[str, Any]]) -> dict[int, float]:
    """AP50, mean over the validation sets, at every step that was evaluated."""
    return {
        line["step"]: float(np.mean([found["ap50"] for found in line["evaluation"].values()]))
        for line in lines
        if line.get("evaluation")
    }


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
