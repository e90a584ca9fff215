"""A batch from Python."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import av
import pytest

import vidtrack
from tests.media import Clip, write_clip
from vidtrack.batch.config import BatchConfig
from vidtrack.batch.engines.local import open_engine
from vidtrack.batch.events import BatchEvent, ClipFinished, ClipProgressed, ClipsQueued, ClipStarted
from vidtrack.batch.manifest import FOLDER
from vidtrack.batch.plan import Job
from vidtrack.batch.session import batch_root
from vidtrack.core.errors import UsageError
from vidtrack.model.choice import ModelChoice
from vidtrack.pipeline.config import RunConfig


def test_a_folder_is_tracked_from_python_and_the_second_call_finds_it_done(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    clip = write_clip(tmp_path / "in" / "a.mp4", Clip(frames=6))
    shutil.copyfile(clip, tmp_path / "in" / "sub" / "b.mp4")
    model = ModelChoice(str(tiny_checkpoint), "cpu", threads=1)
    config = BatchConfig(run=RunConfig(score=0.3), video=False)
    events: list[BatchEvent] = []
    result = vidtrack.track_batch(tmp_path / "in", tmp_path / "out", model=model, config=config, on_event=events.append)
    assert [outcome.status for outcome in result.outcomes] == ["complete", "complete"]
    assert (result.root, result.left, result.done_before) == (tmp_path / "out", 0, ())
    assert len(vidtrack.TrackLog.load(tmp_path / "out/sub/b.tracks.jsonl")) == 6
    assert not list((tmp_path / "out").rglob("*.mp4"))
    queued, *later = events
    assert isinstance(queued, ClipsQueued)
    assert [(job.source, size) for job, size in queued.clips] == [
        (tmp_path / "in" / name, clip.stat().st_size) for name in ("a.mp4", "sub/b.mp4")
    ]
    for job, _ in queued.clips:
        own = [event for event in later if not isinstance(event, ClipFinished) and event.job is job]
        assert isinstance(own[0], ClipStarted) and {type(event) for event in own[1:]} <= {ClipProgressed}
    assert [event.outcome for event in later if isinstance(event, ClipFinished)] == list(result.outcomes)

    (tmp_path / "out" / "sub" / "b.report.html").touch()
    (tmp_path / "out" / FOLDER / "index.html").unlink()  # so that it is written again
    again = vidtrack.track_batch(tmp_path / "in", tmp_path / "out", model=model, config=config)
    assert (again.outcomes, len(again.done_before)) == ((), 2)
    page = (tmp_path / "out" / FOLDER / "index.html").read_text("utf-8")
    assert page.count(">report</a>") == 1 and 'href="../sub/b.report.html"' in page
    stills = re.findall(r'<img src="([^"]+)"', page)
    assert len(set(stills)) == 2
    for still in stills:
        with av.open(str(tmp_path / "out" / FOLDER / still)) as image:
            assert image.streams.video[0].width == 160


def test_a_batch_without_clips_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(vidtrack.core.errors.InputError, match="holds no clips"):
        vidtrack.track_batch([tmp_path / "in"], tmp_path / "out")


@pytest.mark.parametrize(
    ("places", "expected"), [(("a/x", "a/b/y"), "a"), (("/proc/1/x", "a/y"), "."), (("new/x",), "new")]
)
def test_where_a_batch_without_an_output_keeps_its_manifest(
    places: tuple[str, ...], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a/b").mkdir(parents=True)
    jobs = [Job(Path(f"{place}.mp4"), None, Path(f"{place}.jsonl")) for place in places]
    assert batch_root([str(job.source) for job in jobs], None, jobs) == (tmp_path / expected).resolve()


def test_results_in_several_stores_have_no_manifest() -> None:
    from vidtrack.batch.remote import Address

    jobs = [Job(Path("a.mp4"), None, Address("s3", f"{bucket}/a.jsonl")) for bucket in ("one", "two")]
    with pytest.raises(UsageError, match="several stores"):
        batch_root(["a.mp4", "b.mp4"], None, jobs)


@pytest.mark.parametrize(
    ("devices", "jobs", "tasks", "processes", "clips"),
    [
        (["cpu"], None, 10, ["cpu"], 1),
        (["cpu"], 4, 2, ["cpu", "cpu"], 1),
        (["cuda:0"], 4, 10, ["cuda:0"], 4),
        (["cuda:0", "cuda:1"], None, 10, ["cuda:0", "cuda:1"], 1),
        (["cuda:0", "cuda:1"], 5, None, ["cuda:0", "cuda:1"], 3),
        (["cuda:0", "cuda:1"], None, 1, ["cuda:0"], 1),
    ],
)
def test_workers_are_spread_over_devices(
    monkeypatch: pytest.MonkeyPatch,
    devices: list[str],
    jobs: int | None,
    tasks: int | None,
    processes: list[str],
    clips: int,
) -> None:
    monkeypatch.setattr("vidtrack.model.device.worker_devices", lambda device: devices)
    engine = open_engine(ModelChoice(), BatchConfig(jobs=jobs), tasks)
    assert ([choice.device for choice in engine._choices], engine._clips) == (processes, clips)
