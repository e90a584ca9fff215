"""Track a clip from Python, with a progress line: `python examples/track_a_clip.py CLIP OUT_FOLDER [MODEL]`."""

from __future__ import annotations

import sys
from pathlib import Path

from vidtrack import Progress, RunConfig, TrackerConfig, load_model, track_video


def main(clip: str, folder: str, model_name: str = "default") -> None:
    """Write OUT_FOLDER/NAME.tracked.mp4 and OUT_FOLDER/NAME.tracks.jsonl."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    name = Path(clip).stem
    model = load_model(model_name)  # once, for as many clips as you like

    def show(now: Progress) -> None:
        print(f"\r{now.frames}/{now.expected or '?'} frames, {now.tracks} tracks", end="", file=sys.stderr)

    result = track_video(
        clip,
        model,
        log=out / f"{name}.tracks.jsonl",
        video=out / f"{name}.tracked.mp4",
        config=RunConfig(tracker=TrackerConfig(max_tracks=50), stride=2),
        overwrite=True,
        progress=show,
    )
    print(f"\n{result.status}: {result.frames_per_second:.1f} frames per second", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
