from __future__ import annotations

import builtins
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from vidtrack.batch import remote, remote_job
from vidtrack.batch.plan import Job
from vidtrack.batch.remote import Address, fetch, is_address, list_below, look_up, matching, put
from vidtrack.batch.remote_job import local_copy
from vidtrack.core.errors import InputError, OutputError, ResourceError, UsageError

ODD_NAME = "odd : name ü [1].mp4"


@pytest.fixture(params=["memory", "file"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    """A folder in a store that takes files whole, and one in a store that does not."""
    yield Address("memory", "folder") if request.param == "memory" else Address("file", str(tmp_path / "store"))
    fsspec.filesystem("memory").rm("/", recursive=True)


@pytest.fixture
def clips(root: Address, tmp_path: Path) -> Address:
    for number, name in enumerate(("a.mp4", "sub/b.mov", f"sub/{ODD_NAME}", "notes.txt")):
        local = tmp_path / "made"
        local.write_bytes(b"x" * number)
        put(local, root / name)
    return root


def test_what_is_an_address() -> None:
    assert all(map(is_address, ("s3://b/x", "gs://b", "S3A://b/", "memory://a b\nc")))
    assert not any(map(is_address, ("a.mp4", "/a/b", "C://x", "1:2//", "s3:/b", "//host/x", "-://x", "")))


def test_parts_of_an_address() -> None:
    address = Address.parse("S3://bucket/folder/Clip.One.mp4/")
    assert str(address) == "s3://bucket/folder/Clip.One.mp4"
    assert Address.parse("s3://[x/clips").path == "[x/clips"
    assert (address.name, address.stem, address.suffix) == ("Clip.One.mp4", "Clip.One", ".mp4")
    assert str(address.parent) == "s3://bucket/folder"
    assert str(address.parent / Path("x/y") / "z") == "s3://bucket/folder/x/y/z"
    assert address.parent / Path() == address.parent


def test_addresses_that_are_none() -> None:
    for text in ("s3://", "s3:///", "x.mp4"):
        with pytest.raises(UsageError, match="is not an address"):
            Address.parse(text)
    with pytest.raises(UsageError, match="password"):
        Address.parse("sftp://me:secret@host/folder")
    assert Address.parse("sftp://me@host/a:b@c").path == "me@host/a:b@c"


def test_a_store_is_listed_with_sizes_and_stamps(clips: Address) -> None:
    found = list_below(clips)
    assert [str(address) for address in found] == [
        f"{clips}/{name}" for name in ("a.mp4", "notes.txt", "sub/b.mov", f"sub/{ODD_NAME}")
    ]
    assert [address.bytes for address in found] == [0, 3, 1, 2]
    assert all(address.changed_ns > 1.7e18 for address in found)
    assert list_below(clips / "nothing") == []


def test_files_are_looked_up(clips: Address) -> None:
    found = look_up(clips / "sub" / ODD_NAME)
    assert found is not None and found.bytes == 2 and found.changed_ns > 0
    assert look_up(clips / "sub") is None
    assert look_up(clips / "nothing.mp4") is None


def test_the_time_tells_a_change(clips: Address, tmp_path: Path) -> None:
    before = look_up(clips / "a.mp4")
    time.sleep(0.01)
    put(tmp_path / "made", clips / "a.mp4")
    after = look_up(clips / "a.mp4")
    assert before is not None and after is not None and before == after
    assert before.changed_ns < after.changed_ns


def test_patterns_match_below(clips: Address) -> None:
    assert [address.name for address in matching(clips / "**" / "*.m*")] == ["a.mp4", "b.mov", ODD_NAME]
    assert [str(address) for address in matching(clips / "sub" / "b.*")] == [f"{clips}/sub/b.mov"]
    assert matching(clips / "*.avi") == []


def test_a_clip_that_grew_is_refused(clips: Address, tmp_path: Path) -> None:
    listed = look_up(clips / "sub/b.mov")
    assert listed is not None
    fetch(listed, tmp_path / "fetched")
    with pytest.raises(InputError, match="changed since it was listed"):
        fetch(replace(listed, bytes=7), tmp_path / "fetched")
    with pytest.raises(InputError, match=r"nothing\.mp4 cannot be read"):
        fetch(clips / "nothing.mp4", tmp_path / "fetched")


def test_what_is_put_appears_whole(root: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fsspec.filesystem(root.scheme)
    seen: list[bool] = []
    whole = type(store).put_file

    def watched(self: object, source: str, target: str, *arguments: object, **options: object) -> None:
        whole(self, source, target, *arguments, **options)
        seen.append(store.exists(str(root / "x.mp4")))

    monkeypatch.setattr(type(store), "put_file", watched)
    (tmp_path / "x.mp4").write_bytes(b"data")
    put(tmp_path / "x.mp4", root / "x.mp4")
    assert seen == [root.scheme == "memory"]
    assert [(address.name, address.bytes) for address in list_below(root)] == [("x.mp4", 4)]


def test_stores_that_are_missing_or_unknown_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown store nosuch://"):
        list_below(Address.parse("nosuch://x"))
    whole = builtins.__import__

    def without(name: str, *arguments: object) -> object:
        if name.startswith("paramiko"):
            raise ImportError("No module named 'paramiko'")
        return whole(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"a package is missing.*vidtrack\[remote\]"):
        list_below(Address.parse("sftp://host/x"))


def test_errors_of_stores_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class OddError(Exception):
        pass

    def fails(error: Exception) -> str:
        def find(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(fsspec.filesystem("memory"), "find", find)
        with pytest.raises(InputError) as caught:
            list_below(Address.parse("memory://x"))
        assert "\n" not in str(caught.value) and "memory://x cannot be listed" in str(caught.value)
        return str(caught.value)

    assert "bucket" in fails(FileNotFoundError("The specified bucket does not exist"))
    assert "rights" in fails(PermissionError("Access Denied"))
    assert "AWS_ACCESS_KEY_ID" in fails(OddError("Unable to locate credentials"))
    assert len(fails(OddError("long\n" * 1000 + "x" * 9999))) < 400
    assert "OddError" in fails(OddError())


def _job(root: Address, tmp_path: Path) -> Job:
    return Job(root / "in/a.mp4", root / "out/a.tracked.mp4", root / "out/a.tracks.jsonl")


def _names(root: Address) -> list[str]:
    return [str(address).removeprefix(f"{root}/") for address in list_below(root)]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_job_at_addresses_is_done_on_this_machine(root: Address, tmp_path: Path, scratch: Path) -> None:
    job = _job(root, tmp_path)
    (tmp_path / "clip").write_bytes(b"pictures")
    put(tmp_path / "clip", job.source)
    with local_copy(job) as local:
        assert isinstance(local.source, Path) and local.source.read_bytes() == b"pictures"
        assert (local.source.name, local.log.name) == ("a.mp4", "a.tracks.jsonl")
        local.log.write_text("log")
        local.video.write_text("video")
        assert _names(root) == ["in/a.mp4"]
    assert _names(root) == ["in/a.mp4", "out/a.tracked.mp4", "out/a.tracks.jsonl"]
    assert list(scratch.iterdir()) == []


def test_the_log_of_a_failed_clip_is_put_and_the_error_names_the_address(
    root: Address, tmp_path: Path, scratch: Path
) -> None:
    job = _job(root, tmp_path)
    (tmp_path / "clip").write_bytes(b"pictures")
    put(tmp_path / "clip", job.source)
    with pytest.raises(InputError) as caught, local_copy(job) as local:
        local.log.write_text("as far as it came")
        raise InputError(f"{local.source} cannot be decoded", "look at it")
    assert str(caught.value) == f"{job.source} cannot be decoded (look at it)"
    assert _names(root) == ["in/a.mp4", "out/a.tracks.jsonl"]
    assert list(scratch.iterdir()) == []


def test_jobs_of_this_machine_are_left_alone(tmp_path: Path, scratch: Path) -> None:
    job = Job(tmp_path / "a.mp4", None, tmp_path / "a.jsonl")
    with local_copy(job) as local:
        assert (local.source, local.video, local.log) == (job.source, job.video, job.log)
        assert list(scratch.iterdir()) == []


def test_a_clip_larger_than_the_disk_is_refused_before_it_is_fetched(
    root: Address, tmp_path: Path, scratch: Path
) -> None:
    job = replace(_job(root, tmp_path), source=replace(root / "in/a.mp4", bytes=10**18))
    with pytest.raises(ResourceError, match=r"a\.mp4 is 1e\+09 GB"), local_copy(job):
        pass
    assert list(scratch.iterdir()) == []


def test_an_output_that_cannot_be_put_is_an_error(root: Address, tmp_path: Path, scratch: Path) -> None:
    source = tmp_path / "a.mp4"
    source.touch()
    nowhere = Address("file", "/proc/nowhere/a.jsonl")
    with pytest.raises(OutputError, match="cannot be written"), local_copy(Job(source, None, nowhere)) as local:
        assert local.source == source
        local.log.touch()
    assert list(scratch.iterdir()) == []


def test_what_killed_workers_left_is_swept(root: Address, tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "clip").touch()
    put(tmp_path / "clip", (job := _job(root, tmp_path)).source)
    left, other = scratch / "vidtrack-clip-left", scratch / "other"
    left.mkdir(), other.mkdir()
    (left / "lock").touch()
    with local_copy(job) as local:
        held = Path(local.source).parents[1]
        assert left.exists()  # it may be just made
        for folder in (left, other, held):
            os.utime(folder, (0, 0))
        remote_job._sweep(scratch)
        assert held.exists() and other.exists() and not left.exists()


def test_nothing_heavy_is_loaded_for_addresses() -> None:
    assert not hasattr(remote, "fsspec")
