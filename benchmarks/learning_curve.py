"""AP50 against images seen, drawn from a table: images, then one column per curve.

python benchmarks/learning_curve.py docs/learning-curve.csv docs/learning-curve.png
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2

from vidtrack.training.plot import draw_panel


def main(table: Path, picture: Path) -> None:
    """Read, draw, write."""
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name != "images"]
    curves = {name: [(int(row["images"]), float(row[name])) for row in rows] for name in names}
    cv2.imwrite(str(picture), draw_panel("AP50 by images seen", curves, int(rows[-1]["images"]), 1.0))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
