"""Downloads through the Hub's own client, from a server on this machine that speaks enough of the Hub."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from safetensors.torch import save_file

from tests.conftest import Ended, assert_one_line
from tests.networks import TINY_PAPER
from vidtrack import load_model
from vidtrack.core.errors import OutputError, UsageError, WeightsError
from vidtrack.model import registry
from vidtrack.model.checkpoint_export import write_hugging_face
from vidtrack.model.detector import DeformableDETR

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """The files of the server's repositories, how it behaves, and what it was asked."""

    url: str = ""
    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    cut_after: list[int] = field(default_factory=list)  # bytes of the weights sent before each coming cut
    status: int = 200
    asked: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def _send(self, status: int, data: bytes = b"", body: bool = True, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _refuse(self, status: int, code: str, body: bool) -> None:
        self._send(status, b"{}", body, X_Error_Code=code, X_Error_Message=code)

    def _serve(self, body: bool) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path).strip("/")
        hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        hub.tokens.add(self.headers.get("Authorization"))
        if hub.status != 200:
            return self._send(hub.status, b"busy", body)
        parts = path.removeprefix("api/models/").split("/")
        repository = "/".join(parts[:2])
        folder = hub.repositories.get(repository)
        if folder is None:
            return self._refuse(404, "RepoNotFound", body)
        if path.startswith("api/models/"):
            return self._list(folder, parts[2:], body)
        if repository in hub.gated:
            return self._refuse(403, "GatedRepo", body)
        if parts[3] not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", body)
        file = folder / "/".join(parts[4:])
        if not file.is_file():
            return self._refuse(404, "EntryNotFound", body)
        self._file(file, body)

    def _list(self, folder: Path, rest: list[str], body: bool) -> None:
        if rest[1:2] and rest[1] not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", body)
        names = sorted(file.name for file in folder.iterdir())
        if rest[0] == "tree":
            found = [
                {"type": "file", "path": name, "size": (folder / name).stat().st_size, "oid": "0"} for name in names
            ]
            return self._send(200, json.dumps(found).encode(), body, Content_Type="application/json")
        said = {"id": "x/y", "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
        self._send(200, json.dumps(said).encode(), body, Content_Type="application/json")

    def _file(self, file: Path, body: bool) -> None:
        data = file.read_bytes()
        large = file.suffix in (".safetensors", ".bin")
        etag = hashlib.sha256(data).hexdigest() if large else hashlib.sha1(data).hexdigest()
        headers = {"ETag": f'"{etag}"', "X_Repo_Commit": COMMIT, "Accept_Ranges": "bytes"}
        if large:
            headers |= {"X_Linked_ETag": f'"{etag}"', "X_Linked_Size": str(len(data))}
        asked = self.headers.get("Range")
        if not (body and asked):
            sent = data
        else:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            sent = data[start:]
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if body and large and self.hub.cut_after:
            self.send_response(206 if asked else 200)
            for name, value in {"Content_Length": str(len(sent)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(sent[: self.hub.cut_after.pop(0)])
            self.close_connection = True
            return
        self._send(206 if body and asked else 200, sent, body, **headers)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A Hub, and a cache of its own."""
    state = Hub()
    handler = type("Handler", (_Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", state.url)
    monkeypatch.setenv("VIDTRACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Deformable DETR as Hugging Face keeps it."""
    folder = tmp_path_factory.mktemp("published") / "tiny"
    write_hugging_face(DeformableDETR(TINY_PAPER), folder)
    return folder


def test_a_model_by_name_is_downloaded_once_and_says_its_commit(hub: Hub, published: Path) -> None:
    hub.repositories["me/tiny"] = published
    model = load_model("hf:me/tiny", "cpu")
    assert model.origin.name == f"hf:me/tiny@{COMMIT}"
    assert model.class_names[1:] == ("person", "dog")
    sent = sum("model.safetensors" in line and line.startswith("GET") for line in hub.asked)
    assert load_model(f"hf:me/tiny@{COMMIT}", "cpu").origin == model.origin
    assert sum("model.safetensors" in line and line.startswith("GET") for line in hub.asked) == sent == 1


def test_what_was_downloaded_serves_offline(hub: Hub, published: Path) -> None:
    hub.repositories["me/tiny"] = published
    load_model("hf:me/tiny", "cpu")
    hub.status = 503
    assert load_model(f"hf:me/tiny@{COMMIT}", "cpu").num_classes == 3


def test_a_cut_download_continues(hub: Hub, published: Path) -> None:
    hub.repositories["me/tiny"] = published
    hub.cut_after = [25_000_000]
    assert load_model("hf:me/tiny", "cpu").num_classes == 3
    assert [line for line in hub.asked if "bytes=" in line and "bytes=0-" not in line]


def test_a_token_goes_along(hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.repositories["me/tiny"] = published
    load_model("hf:me/tiny", "cpu")
    assert "Bearer hf_secret" in hub.tokens


def test_damage_after_the_download_is_noticed(hub: Hub, published: Path) -> None:
    hub.repositories["SenseTime/deformable-detr"] = published
    entry = registry.find("deformable-detr")
    path = registry.fetch(entry)
    whole = path.read_bytes()
    assert registry.verify(entry) == hashlib.sha256(whole).hexdigest()
    path.resolve().write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(WeightsError, match="it is damaged"):
        registry.verify(entry)
    with pytest.raises(WeightsError, match="it is damaged"):
        load_model("deformable-detr", "cpu")


def test_a_model_that_is_not_downloaded_says_how(hub: Hub, vidtrack: Callable[..., Ended]) -> None:
    assert_one_line(vidtrack("weights", "verify", "deformable-detr"), 2, "run `vidtrack weights pull deformable-detr`")


def test_nothing_but_the_config_is_downloaded_of_what_is_not_a_detector(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    save_file({}, folder / "model.safetensors")
    hub.repositories["me/llm"] = folder
    with pytest.raises(WeightsError, match=r"me/llm@main is not an object detector .* model_type 'llama'"):
        load_model("hf:me/llm", "cpu")
    assert not any("safetensors" in line for line in hub.asked)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hf:me/none", "the Hub has no model me/none .*hf auth login"),
        ("hf:me/tiny@v9", "me/tiny has no revision v9"),
        ("hf:me/gated", "me/gated is gated: .*accept them at http://.*/me/gated"),
        ("hf:me/empty", "me/empty@main has no config.json"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    hub: Hub, published: Path, tmp_path: Path, vidtrack: Callable[..., Ended], name: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("nothing")
    hub.repositories |= {"me/tiny": published, "me/gated": published, "me/empty": tmp_path / "empty"}
    hub.gated = {"me/gated"}
    with pytest.raises(WeightsError, match=said) as refused:
        load_model(name, "cpu")
    assert "\n" not in str(refused.value)


def test_a_wrong_name_is_one_line(hub: Hub) -> None:
    for name in ("hf:tiny", "hf:a/b/c", "hf:me/tiny@", "hf:me/../x"):
        with pytest.raises(UsageError, match="Hub"):
            load_model(name, "cpu")
    assert hub.asked == []


def test_a_hub_that_cannot_be_reached_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"me/tiny@main .*cannot be reached"):
        load_model("hf:me/tiny", "cpu")


def test_a_cache_that_cannot_be_written_is_one_line(
    hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.repositories["me/tiny"] = published
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VIDTRACK_CACHE", str(tmp_path / "file"))
    with pytest.raises((OutputError, WeightsError), match="set VIDTRACK_CACHE"):
        load_model("hf:me/tiny", "cpu")
