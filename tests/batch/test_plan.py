from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.plan import plan
from vidtrack.core.errors import InputError, UsageError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of files that need not be videos: planning opens nothing."""
    names = """in/a/x.mp4 in/b/x.MOV in/b/.hidden.mp4 in/.cache/y.mp4 in/b/x.tracked.mp4 in/b/x.tracks.jsonl
    in/b/z.mp4.partial in/notes.txt in/top.mkv pictures/img_1.png pictures/img_2.png empty/readme.md"""
    for name in names.split():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_stand_beside_the_clip(tree: Path) -> None:
    (job,) = plan(["in/a/x.mp4"], None)
    assert (job.source, job.video, job.log) == (
        Path("in/a/x.mp4"),
        Path("in/a/x.tracked.mp4"),
        Path("in/a/x.tracks.jsonl"),
    )


def test_a_folder_is_searched_and_its_tree_repeated(tree: Path) -> None:
    jobs = plan(["in"], "out")
    assert {str(job.source): str(job.video) for job in jobs} == {
        "in/top.mkv": "out/top.tracked.mp4",
        "in/a/x.mp4": "out/a/x.tracked.mp4",
        "in/b/x.MOV": "out/b/x.tracked.mp4",
    }


def test_outputs_of_earlier_runs_are_no_inputs(tree: Path) -> None:
    assert [job.source for job in plan(["in/b/x.MOV", "in/b/x.tracked.mp4", "in/b/x.tracks.jsonl"], None)] == [
        Path("in/b/x.MOV")
    ]
    assert [job.source for job in plan(["in/b/*"], None)] == [Path("in/b/x.MOV")]
    with pytest.raises(InputError, match="the inputs contain no clips"):
        plan(["in/b/x.tracked.mp4"], None)
    (job,) = plan(["absent.tracked.mp4"], None)  # a slip of the pen, to be told by name
    assert job.source == Path("absent.tracked.mp4")


def test_patterns_reach_below(tree: Path) -> None:
    assert [str(job.source) for job in plan(["in/**/x.*"], None)] == ["in/a/x.mp4", "in/b/x.MOV"]


def test_files_of_one_name_would_become_one_output(tree: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan(["in/a/x.mp4", "in/b/x.MOV"], "out")
    for part in ("in/a/x.mp4", "in/b/x.MOV", "out/x.tracked.mp4"):
        assert part in str(caught.value)
    (tree / "in/a/x.mkv").touch()
    with pytest.raises(UsageError, match="would both become"):
        plan(["in/a"], None)


def test_an_input_given_twice_is_one_clip(tree: Path) -> None:
    assert len(plan(["in/a/x.mp4", "in/a", "./in/a/*.mp4"], "out")) == 1


@pytest.mark.parametrize(
    ("output", "video", "log"),
    [
        ("out.mp4", "out.mp4", "out.tracks.jsonl"),
        ("out.tracked.webm", "out.tracked.webm", "out.tracks.jsonl"),
        ("out.jsonl", None, "out.jsonl"),
        ("out.json.gz", None, "out.json.gz"),
        ("new", "new/x.tracked.mp4", "new/x.tracks.jsonl"),
        ("new.mp4/", "new.mp4/x.tracked.mp4", "new.mp4/x.tracks.jsonl"),
        ("empty", "empty/x.tracked.mp4", "empty/x.tracks.jsonl"),
    ],
)
def test_one_clip_may_have_a_file_as_output(tree: Path, output: str, video: str | None, log: str) -> None:
    (job,) = plan(["in/a/x.mp4"], output)
    assert job.video == (None if video is None else Path(video))
    assert job.log == Path(log)


@pytest.mark.parametrize(
    ("inputs", "output", "said"),
    [
        (["in/a/x.mp4", "in/top.mkv"], "out.mp4", "give a folder"),
        (["in"], "out.jsonl", "give a folder"),
        (["in/a/x.mp4"], "out.avi", "a .avi file cannot be written"),
        (["in/a/x.mp4"], "in/a/x.mp4", "would be overwritten"),
        (["in/a/x.mp4", "in/top.mkv"], "out.txt", "a .txt file cannot be written"),
    ],
)
def test_outputs_that_make_no_sense(tree: Path, inputs: list[str], output: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(inputs, output)
    assert said in str(caught.value)


def test_without_video(tree: Path) -> None:
    (job,) = plan(["in/top.mkv"], None, video_suffix=None)
    assert (job.video, job.log) == (None, Path("in/top.tracks.jsonl"))
    with pytest.raises(UsageError, match="--no-video was given"):
        plan(["in/top.mkv"], "out.mp4", video_suffix=None)


@pytest.mark.parametrize(
    ("given", "video"),
    [
        ("pictures", "pictures.tracked.mp4"),
        ("pictures/img_%d.png", "pictures/img.tracked.mp4"),
        ("pictures/img_*.png", "pictures/img.tracked.mp4"),
        ("pictures/%02d.png", "pictures/pictures.tracked.mp4"),
    ],
)
def test_image_sequences_are_named_after_their_pictures(tree: Path, given: str, video: str) -> None:
    (job,) = plan([given], None)
    assert (job.source, job.video) == (Path(given), Path(video))


@pytest.mark.parametrize(("given", "said"), [("empty", "holds no clips"), ("in/*.avi", "matches no clip")])
def test_nothing_to_do(tree: Path, given: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan([given], None)


def test_patterns_that_leave_nothing_say_so(tree: Path) -> None:
    with pytest.raises(InputError, match=r"--include and --exclude leave none of \d clips"):
        plan(["in"], None, include=["*.xyz"])


@pytest.mark.parametrize(("given", "output"), [("", "out"), ("in", "")])
def test_an_empty_name_is_not_the_current_folder(tree: Path, given: str, output: str) -> None:
    with pytest.raises(UsageError, match="an input is an empty string"):
        plan([given], output)


def test_a_missing_file_is_found_out_when_its_turn_comes(tree: Path) -> None:
    assert [job.source for job in plan(["absent.mp4", "in/top.mkv"], "out")] == [Path("absent.mp4"), Path("in/top.mkv")]


@pytest.mark.parametrize("name", ["loop.mp4", "~nobody-of-that-name/x.mp4", "n" * 300 + ".mp4"])
def test_names_the_system_stumbles_over_are_planned_like_any(tree: Path, name: str) -> None:
    (tree / "loop.mp4").symlink_to("loop.mp4")
    assert [str(job.source) for job in plan([name], "out")] == [name]
