from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.model.registry import find
from vidtrack.video import VideoReader, probe

Command = Callable[..., Ended]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=12))


@pytest.fixture
def clip(footage: Path, tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(footage.read_bytes())
    return path


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path) -> Command:
    """`vidtrack detect` with the tiny model."""
    return lambda *arguments: vidtrack("detect", "--model", tiny_checkpoint, "--score", 0.3, *arguments)


def test_a_clip_becomes_a_video_and_a_log_beside_it(detect: Command, clip: Path) -> None:
    ended = detect(clip)
    assert ended.code == 0, ended.err
    assert ended.out == ""  # talk goes to stderr
    log = TrackLog.load(clip.with_name("clip.tracks.jsonl"))
    assert (log.status, len(log)) == ("complete", 12)
    assert len(log.ids)
    assert probe(clip.with_name("clip.tracked.mp4")).codec == "h264"
    assert "clip.mp4: 12 frames" in ended.err


@pytest.mark.parametrize("style", ["plain", "json", "none"])
def test_what_the_default_model_may_be_used_for_is_said_once(
    vidtrack: Command, clip: Path, tmp_path: Path, style: str
) -> None:
    (tmp_path / "second.mp4").write_bytes(clip.read_bytes())
    ended = vidtrack("detect", tmp_path, "--end", 0.1, "--progress", style, "--jobs", 1)
    assert ended.code == 0, ended.err
    use = find("default").use
    assert use is not None and "non-commercial" in use
    assert ended.err.count(f"vidtrack: note: model small: {use}\n") == (style == "plain")
    assert use not in vidtrack("detect", clip, "--model", "no such model").err


def test_choices_arrive_in_the_log(detect: Command, clip: Path, tmp_path: Path) -> None:
    ended = detect(
        clip, "-o", tmp_path / "out.jsonl", "--classes", "Person, traffic_light", "--start", "0:00.08", "--end", 0.4,
        "--stride", 2, "--size", 48, "--max-tracks", 3, "--tracker", "association", "--precision", "bfloat16",
        "--threads", 1,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    log = TrackLog.load(tmp_path / "out.jsonl")
    parameters = log.header.run.parameters
    assert parameters["classes"] == ["Person", "traffic_light"]
    assert (parameters["start_seconds"], parameters["end_seconds"]) == ("2/25", "2/5")
    assert (parameters["stride"], parameters["size"]) == (2, 48)
    assert parameters["tracker"]["mode"] == "association"
    assert log.header.run.precision == "bfloat16"
    assert log.frame_indices.tolist() == [2, 4, 6, 8]
    assert set(log.classes) <= {0, 3}
    assert max(len(frame) for frame in log) <= 3
    assert not list(tmp_path.glob("*.tracked.*"))


@pytest.mark.parametrize(("codec", "suffix"), [("vp9", ".mp4"), ("prores", ".mov")])
def test_the_container_follows_the_codec(detect: Command, clip: Path, codec: str, suffix: str) -> None:
    ended = detect(clip, "--codec", codec, "--end", 0.1)
    assert ended.code == 0, ended.err
    assert probe(clip.with_name(f"clip.tracked{suffix}")).codec == codec


def test_stdout_streams_the_log(detect: Command, clip: Path) -> None:
    ended = detect(clip, "-o", "-")
    assert ended.code == 0
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert (lines[0]["type"], lines[1]["type"], lines[-1]["status"]) == ("header", "frame", "complete")
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mp4"]
    assert detect(clip, clip.parent, "-o", "-").code == 0  # one clip all the same


def test_stdout_takes_one_clip(detect: Command, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    ended = detect(tmp_path, "-o", "-")
    assert ended.code == 2
    assert "takes one clip" in ended.err


def test_existing_outputs_are_refused_replaced_or_passed_over(detect: Command, clip: Path) -> None:
    log = clip.with_name("clip.tracks.jsonl")
    assert detect(clip).code == 0
    before = log.read_text()

    refused = detect(clip)
    assert refused.code == 2
    assert "already exist" in refused.err and "--overwrite" in refused.err
    assert log.read_text() == before

    skipped = detect(clip, "--skip-existing")
    assert skipped.code == 0
    assert "skipped" in skipped.err
    assert log.read_text() == before

    assert detect(clip, "--overwrite", "--stride", 3).code == 0
    assert len(TrackLog.load(log)) == 4
    assert detect(clip, "--overwrite", "--skip-existing").code == 2


def test_resuming_goes_by_content_model_and_parameters(detect: Command, clip: Path, tmp_path: Path) -> None:
    log = clip.with_name("clip.tracks.jsonl")
    assert detect(clip).code == 0
    done = log.read_text()

    other = detect(clip, "--skip-existing", "--stride", 2)
    assert other.code == 1
    assert "come from another clip, model or settings" in other.err
    assert log.read_text() == done

    log.write_text(done.replace('"status":"complete"', '"status":"interrupted"'))
    assert detect(clip, "--skip-existing").code == 0
    assert TrackLog.load(log).status == "complete"

    clip.with_name("clip.tracked.mp4").unlink()  # half of it is lost
    assert detect(clip, "--skip-existing").code == 0
    assert clip.with_name("clip.tracked.mp4").exists()

    write_clip(clip, Clip(frames=5))  # the name stays, the content changes
    changed = detect(clip, "--skip-existing")
    assert changed.code == 1
    log.write_text("nonsense")
    assert detect(clip, "--skip-existing").code == 1
    assert log.read_text() == "nonsense"


def test_a_folder_with_a_bad_clip_is_worked_through(detect: Command, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "sub"
    folder.mkdir(parents=True)
    clip.rename(folder / "a.mp4")
    (folder / "b.mp4").write_text("no video")
    (folder.parent / "c.mp4").write_bytes((folder / "a.mp4").read_bytes())
    ended = detect(tmp_path / "in", "-o", tmp_path / "out", "--report", tmp_path / "report.json", "--progress", "none")
    assert ended.code == 1
    assert (tmp_path / "out/sub/a.tracked.mp4").exists() and (tmp_path / "out/c.tracks.jsonl").exists()
    assert "b.mp4 is not a video" in ended.err
    assert "3 clips: 2 complete, 1 failed" in ended.err
    report = {Path(entry["source"]).name: entry for entry in json.loads((tmp_path / "report.json").read_text())}
    assert [report[name]["status"] for name in ("a.mp4", "b.mp4", "c.mp4")] == ["complete", "failed", "complete"]
    assert report["a.mp4"]["frames"] == 12
    assert "not a video" in report["b.mp4"]["error"]
    again = detect(tmp_path / "in", "-o", tmp_path / "out", "--progress", "none")
    assert "3 clips: 1 failed, 2 done before" in again.err


def test_progress_for_programs(detect: Command, clip: Path) -> None:
    ended = detect(clip, "--progress", "json")
    first, *_, last = [json.loads(line) for line in ended.err.splitlines()]
    assert (first["event"], first["source"], first["frames"], first["expected"]) == ("progress", str(clip), 1, 12)
    assert (last["event"], last["status"], last["frames"]) == ("outcome", "complete", 12)


def test_progress_in_a_log_file_is_sparse(detect: Command, clip: Path) -> None:
    assert len(detect(clip).err.splitlines()) == 1


def test_progress_on_a_terminal(detect: Command, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = detect(clip, "--progress", "rich")
    assert ended.code == 0
    assert "12 frames" in ended.err


def test_silence(detect: Command, clip: Path) -> None:
    assert detect(clip, "--progress", "none").err == ""


def test_the_profile_names_every_kind_of_work(detect: Command, clip: Path) -> None:
    ended = detect(clip, "--profile", "--progress", "none")
    for work in ("decode", "backbone and encoder", "decoder and tracker", "draw", "encode video", "waiting"):
        assert work in ended.err


def test_the_video_shows_what_the_log_says(detect: Command, clip: Path) -> None:
    detect(clip)
    log = TrackLog.load(clip.with_name("clip.tracks.jsonl"))
    with VideoReader(clip.with_name("clip.tracked.mp4")) as made:
        assert [frame.index for frame in made] == log.frame_indices.tolist()


def test_a_reader_that_goes_away_is_no_crash(detect: Command, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Closed())
    ended = detect(clip, "-o", "-")
    assert ended.code == 1
    assert "closed by its reader" in ended.err


def test_a_better_model_is_named_until_it_is_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from vidtrack.cli import detect
    from vidtrack.model import hub

    monkeypatch.setattr(detect, "_is_terminal", lambda: True)
    monkeypatch.setattr(hub, "cached", lambda *_: None)
    detect.note_use("default")
    assert "vidtrack: hint: -m d-fine-nano finds more" in capsys.readouterr().err
    detect.note_use("small")
    monkeypatch.setattr(hub, "cached", lambda *_: Path("here/model.safetensors"))
    detect.note_use("default")
    assert "hint" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["small.onnx", "small.xml"])
def test_what_an_exported_model_may_be_used_for_is_said_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    from vidtrack.cli import detect
    from vidtrack.model.exported import METADATA_KEY, ExportHeader

    onnx, openvino = pytest.importorskip("onnx"), pytest.importorskip("openvino")
    path = tmp_path / name
    graph = onnx.parser.parse_graph("g (float[1] x) => (float[1] y) { y = Identity(x) }")
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    header = ExportHeader("onnx", "float32", "small", ("person",), 64, 160, 0.3, None, use="for tests only").to_json()
    onnx.helper.set_model_props(model, {METADATA_KEY: header})
    onnx.save(model, path.with_suffix(".onnx"))
    if path.suffix == ".xml":
        converted = openvino.convert_model(path.with_suffix(".onnx"))
        converted.set_rt_info(header, [METADATA_KEY])
        openvino.save_model(converted, path)
    detect.note_use(str(path))
    assert capsys.readouterr().err == "vidtrack: note: model small: for tests only\n"
    detect.note_use(str(tmp_path / f"missing{path.suffix}"))
    assert capsys.readouterr().err == ""
