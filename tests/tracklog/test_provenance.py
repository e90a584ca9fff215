from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tracklog.logs import any_header
from vidtrack.core.errors import InputError
from vidtrack.core.metadata import version_of
from vidtrack.tracklog import provenance
from vidtrack.tracklog.provenance import find_source, hash_content, hash_parameters, path_for_log


def test_a_file_of_ordinary_size_is_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"moving pictures")
    found = hash_content([path])
    assert found.to_dict() == {"method": "sha256", "value": hashlib.sha256(b"moving pictures").hexdigest()}


def test_a_large_file_is_sampled_at_both_ends_and_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "WHOLE_FILE_BYTES", 1000)
    monkeypatch.setattr(provenance, "SAMPLE_BYTES", 10)
    monkeypatch.setattr(provenance, "SAMPLES", 3)
    data = bytearray(range(256)) * 8
    path = tmp_path / "clip.mp4"

    def value() -> str:
        path.write_bytes(data)
        found = hash_content([path])
        assert found.method == "sha256-sampled"
        return found.value

    original = value()
    expected = hashlib.sha256(len(data).to_bytes(8, "little") + data[:10] + data[1019:1029] + data[2038:])
    assert original == expected.hexdigest()
    for place in (0, 1024, 2047):
        data[place] ^= 1
        assert value() != original
        data[place] ^= 1
    data += b"x"
    assert value() != original


def test_the_pictures_of_a_sequence_count_all(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for path in paths:
        path.write_bytes(path.name.encode())
    first = hash_content(paths)
    assert first.method == "sha256-sampled"
    paths[1].write_bytes(b"other")
    assert hash_content(paths) != first


@pytest.mark.parametrize("path", ["", "."])
def test_a_folder_of_pictures_is_no_clip_of_a_log_that_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "0001.png").write_bytes(b"picture")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_source(replace(any_header().source, path=path), tmp_path / "a.tracks.jsonl") is None


@pytest.mark.parametrize(
    ("clip", "log", "path"),
    [
        ("clip.mp4", "../tracked/clip.tracks.jsonl", "../footage/clip.mp4"),
        ("../footage/clip.mp4", "../tracked/deep/clip.tracks.jsonl", "../footage/clip.mp4"),
        ("clip.mp4", "clip.tracks.jsonl", "clip.mp4"),
        ("clip.mp4", "tracked/clip.tracks.jsonl", "clip.mp4"),  # in a folder above
        ("missing.mp4", "../tracked/clip.tracks.jsonl", "missing.mp4"),
    ],
)
def test_a_clip_is_found_from_its_log_in_whichever_folder_the_command_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: str, log: str, path: str
) -> None:
    footage, elsewhere = tmp_path / "footage", tmp_path / "else" / "where"
    footage.mkdir()
    elsewhere.mkdir(parents=True)
    (footage / "clip.mp4").write_bytes(b"frames")
    monkeypatch.chdir(footage)
    named, place = path_for_log(Path(clip), Path(log)), Path(log).absolute()
    assert named.as_posix() == path
    place.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(elsewhere)
    found = find_source(replace(any_header().source, path=str(named)), place.resolve())
    assert (found is not None and found.samefile(footage / "clip.mp4")) == (path != "missing.mp4")


def test_an_unreadable_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.mp4 cannot be read"):
        hash_content([tmp_path / "absent.mp4"])


def test_the_order_of_parameters_does_not_matter() -> None:
    assert hash_parameters({"a": 1, "b": None}) == hash_parameters({"b": None, "a": 1})
    assert hash_parameters({"a": 1}) != hash_parameters({"a": 2})


def test_a_package_that_is_not_there_has_the_version_asked_for() -> None:
    assert version_of("vidtrack-without-a-doubt-absent", "none") == "none"
    assert version_of("numpy")[0].isdigit()


@pytest.mark.parametrize("clip", ["a.mp4", "../src/b.mp4"])
@pytest.mark.parametrize("log", ["link/a.tracks.jsonl", "link/../a.tracks.jsonl"])
def test_a_log_behind_a_link_finds_its_clip_by_every_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: str, log: str
) -> None:
    for folder in ("run", "src", "other/disk"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run" / "link").symlink_to(tmp_path / "other" / "disk")
    (tmp_path / "run" / "a.mp4").write_bytes(b"a")
    (tmp_path / "src" / "b.mp4").write_bytes(b"b")
    monkeypatch.chdir(tmp_path / "run")
    named, given = path_for_log(Path(clip), Path(log)), Path(log).absolute()
    clip_bytes = Path(clip).read_bytes()
    monkeypatch.chdir("/")
    for place in (given, Path(os.path.realpath(given))):
        found = find_source(replace(any_header().source, path=str(named)), place)
        assert found is not None
        assert found.read_bytes() == clip_bytes
