"""Downloads against a server on this machine that cuts, lies and refuses."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vidtrack.core.errors import OutputError, WeightsError
from vidtrack.model import registry
from vidtrack.model.download import RemoteMissingError, download

CONTENT = bytes(range(256)) * 40_000  # 10 MB: more than one read
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Hub:
    """How the server behaves, and what it was asked."""

    url: str = ""
    cut_after: list[int] = field(default_factory=list)  # bytes sent before each coming cut
    etag: str = SHA256
    ranges: bool = True
    status: int = 200
    present: str = "model.safetensors"
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A server that redirects as the hub does and then sends CONTENT."""
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def do_HEAD(self) -> None:
            if state.status != 200 or not self.path.endswith(state.present):
                self.answer(state.status if state.status != 200 else 404, Content_Length="0")
                return
            linked = {"X_Linked_Etag": f'"{state.etag}"', "X_Linked_Size": str(len(CONTENT))}
            self.answer(302, Location=f"/storage{self.path}", Content_Length="0", **linked)

        def do_GET(self) -> None:
            state.asked.append(self.headers.get("Range", "all"))
            if not self.path.startswith("/storage"):
                self.answer(302, Location=f"/storage{self.path}", Content_Length="0")
                return
            asked = self.headers.get("Range") if state.ranges else None
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            body = CONTENT[start:]
            self.answer(206 if asked else 200, Content_Length=str(len(body)))
            if state.cut_after:
                self.wfile.write(body[: state.cut_after.pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def test_whole_and_verified(hub: Hub, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = download(f"{hub.url}/model.safetensors", tmp_path / "d" / "m", progress=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["m", "m.sha256"]


def test_resumes_after_cuts_in_one_call(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [3_000_000, 2_000_000]
    assert download(f"{hub.url}/model.safetensors", tmp_path / "m").read_bytes() == CONTENT
    assert hub.asked[::2] == ["all", "bytes=3000000-", "bytes=5000000-"]


def test_resumes_what_an_earlier_run_left(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "m.partial").write_bytes(CONTENT[:4_000_000])
    download(f"{hub.url}/model.safetensors", tmp_path / "m")
    assert hub.asked[0] == "bytes=4000000-"
    assert (tmp_path / "m").read_bytes() == CONTENT


def test_starts_again_where_the_left_part_is_of_another_file(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "m.partial").write_bytes(b"x" * 4_000_000)
    assert download(f"{hub.url}/model.safetensors", tmp_path / "m").read_bytes() == CONTENT


def test_a_server_without_ranges(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    (tmp_path / "m.partial").write_bytes(CONTENT[:4_000_000])
    assert download(f"{hub.url}/model.safetensors", tmp_path / "m").read_bytes() == CONTENT


def test_gives_up_when_nothing_comes(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [1_000_000, *[0] * 20]
    with pytest.raises(WeightsError, match="cannot download"):
        download(f"{hub.url}/model.safetensors", tmp_path / "m")
    assert (tmp_path / "m.partial").read_bytes() == CONTENT[:1_000_000]
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("known", [None, "0" * 64])
def test_wrong_hash_is_not_kept(hub: Hub, tmp_path: Path, known: str | None) -> None:
    hub.etag = "f" * 64
    with pytest.raises(WeightsError, match=f"came with sha256 {SHA256}"):
        download(f"{hub.url}/model.safetensors", tmp_path / "m", known)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_hash_goes_before_the_header(hub: Hub, tmp_path: Path) -> None:
    hub.etag = "f" * 64
    assert download(f"{hub.url}/model.safetensors", tmp_path / "m", SHA256).exists()


def test_refusals(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(RemoteMissingError, match="HTTP 404"):
        download(f"{hub.url}/absent.bin", tmp_path / "m")
    hub.status = 503
    with pytest.raises(WeightsError, match=r"HTTP 503.*save http://\S+ as "):
        download(f"{hub.url}/model.safetensors", tmp_path / "m")


def test_offline_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        download("http://127.0.0.1:9/model.safetensors", tmp_path / "m")
    assert "offline?" in caught.value.hint
    assert str(tmp_path / "m") in caught.value.hint


def test_an_unwritable_cache(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        download(f"{hub.url}/model.safetensors", tmp_path / "file" / "m")


@pytest.fixture
def cache(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, with the server in the hub's place."""
    monkeypatch.setenv("VIDTRACK_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    return tmp_path


@pytest.mark.parametrize("present", ["model.safetensors", "pytorch_model.bin"])
def test_registry_fetches_once_and_verifies(hub: Hub, cache: Path, present: str) -> None:
    hub.present = present
    entry = registry.find("SenseTime/deformable-detr")
    assert entry is not None and entry.name == "deformable-detr"
    assert registry.cached_path(entry) is None
    path = registry.fetch(entry)
    assert path == cache / "deformable-detr" / present
    hub.status = 503
    assert registry.fetch(entry) == path  # from the cache
    assert registry.verify(entry) == SHA256
    path.write_bytes(b"rotten")
    with pytest.raises(WeightsError, match=f"not {SHA256}"):
        registry.verify(entry)
    path.with_name(path.name + ".sha256").unlink()  # as if saved by hand
    with pytest.raises(WeightsError, match=r"no hash of .* is known, its own is "):
        registry.verify(entry)


def test_registry_of_an_absent_model(cache: Path, hub: Hub) -> None:
    entry = registry.find("deformable-detr")
    assert entry is not None
    with pytest.raises(WeightsError, match="not on this machine"):
        registry.verify(entry)
    hub.present = "nothing"
    with pytest.raises(WeightsError, match="HTTP 404"):
        registry.fetch(entry)
