"""Whole batches with clips and results at addresses: a store that is a folder, and a server that speaks S3."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from vidtrack.batch.manifest import FOLDER
from vidtrack.batch.remote import Address, fetch, list_below, put

Run = Callable[..., Ended]
CLIPS = {"a.mp4": 5, "deep/b c.mov": 7}
MADE = ["a.tracked.mp4", "a.tracks.jsonl", "deep/b c.tracked.mp4", "deep/b c.tracks.jsonl"]
try:
    import moto.server
    import s3fs
except ImportError:
    s3fs = None
needs_s3 = pytest.param(
    "s3", marks=[pytest.mark.s3, pytest.mark.skipif(s3fs is None, reason="install vidtrack[test-cluster]")]
)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A server on this machine; its threads end with it."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, moto.server.DomainDispatcherApplication(moto.server.create_backend_app), True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["file", needs_s3])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """An empty place for clips and results."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "file":
        yield Address("file", str(tmp_path / "store"))
        return
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3_endpoint"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]
    fsspec.filesystem("s3").mkdir(bucket)
    yield Address("s3", f"{bucket}/place")
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The clips on this machine."""
    for name, frames in CLIPS.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(tmp_path / "in" / name, Clip(frames=frames))
    return tmp_path / "in"


@pytest.fixture
def detect(vidtrack: Run, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`detect` with the tiny model, and a clock that stands."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    return lambda *arguments: vidtrack(
        "detect", *arguments, "--model", tiny_checkpoint, "--device", "cpu", "--threads", 1
    )


def uploaded(folder: Path, root: Address) -> Address:
    for path in sorted(folder.rglob("*.m*")):
        put(path, root / "in" / path.relative_to(folder))
    return root / "in"


def downloaded(root: Address, into: Path) -> Path:
    for address in list_below(root):
        target = into / address.below(root) / address.name
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch(address, target)
    return into


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.track*"))


def digest(path: Path) -> str:
    """Of a log without the name of its clip and what says when and how fast it was made."""
    if path.suffix != ".jsonl":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    del lines[0]["source"]["path"], lines[0]["created"]
    for name in ("seconds", "frames_per_second", "fps", "times"):
        lines[-1].pop(name, None)
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def counts(ended: Ended) -> str:
    return ended.err.strip().splitlines()[-1]


def test_results_at_addresses_are_those_of_this_machine(
    store: Address, folder: Path, tmp_path: Path, detect: Run
) -> None:
    clips = uploaded(folder, store)
    assert detect(folder, "-o", tmp_path / "here").code == 0
    ended = detect(clips, "-o", store / "out", "--progress", "json")
    assert ended.code == 0, ended.err
    assert "scratch" not in ended.err and "vidtrack-clip-" not in ended.err
    there = downloaded(store / "out", tmp_path / "there")
    assert made(there) == made(tmp_path / "here") == MADE
    for name in MADE:
        assert digest(there / name) == digest(tmp_path / "here" / name), name
    header = json.loads((there / "deep/b c.tracks.jsonl").read_text().splitlines()[0])
    assert header["source"]["path"] == f"{clips}/deep/b c.mov"
    report = json.loads((there / FOLDER / "report.json").read_text())
    assert report["folder"] == str(store / "out") and report["counts"] == {"complete": 2}
    assert 'href="../deep/b%20c.tracks.jsonl"' in (there / FOLDER / "index.html").read_text()

    again = detect(clips, "-o", store / "out")
    assert again.code == 0 and counts(again) == "2 clips: 2 done before"


def test_what_changed_at_an_address_is_done_again(store: Address, folder: Path, tmp_path: Path, detect: Run) -> None:
    clips = uploaded(folder, store)
    out = tmp_path / "out"  # results may be on this machine
    assert detect(clips, "-o", out, "--no-video").code == 0
    assert made(out) == [name for name in MADE if name.endswith(".jsonl")]
    write_clip(tmp_path / "new.mp4", Clip(frames=3))
    put(tmp_path / "new.mp4", clips / "a.mp4")
    assert counts(detect(clips, "-o", out, "--no-video")) == "2 clips: 1 complete, 1 done before"
    log = out / "a.tracks.jsonl"
    assert sum('"type":"frame"' in line for line in log.read_text().splitlines()) == 3


def test_another_machine_goes_on_with_the_copy_of_the_manifest(
    store: Address, folder: Path, tmp_path: Path, detect: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert detect(folder, "-o", store / "out", "--no-video", "--limit", 1).code == 0  # clips may be on this machine
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert counts(detect(folder, "-o", store / "out", "--no-video")) == "2 clips: 1 complete, 1 done before"
    elsewhere = store / "elsewhere"  # without a manifest
    for name in ("a.tracks.jsonl", "deep/b c.tracks.jsonl"):
        fetch(store / "out" / name, tmp_path / "log.jsonl")
        put(tmp_path / "log.jsonl", elsewhere / name)
    refused = detect(folder, "-o", elsewhere, "--no-video")
    assert refused.code == 2 and "already exist" in refused.err
    skipped = detect(folder, "-o", elsewhere, "--no-video", "--skip-existing")
    assert counts(skipped) == "2 clips: 2 skipped"


def test_clips_that_cannot_be_read_are_named_by_their_address(store: Address, tmp_path: Path, detect: Run) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video")
    put(tmp_path / "x.mp4", store / "in" / "x.mp4")
    ended = detect(store / "in", "-o", store / "out")
    assert ended.code == 3 and f"vidtrack: error: {store}/in/x.mp4" in ended.err
    single = detect(store / "in" / "x.mp4", "-o", tmp_path / "out")
    assert single.code == 3 and f"vidtrack: error: {store}/in/x.mp4" in single.err
    missing = detect(store / "in" / "none.mp4", "-o", tmp_path / "out")
    assert missing.code == 3 and missing.err.count("\n") == 1
