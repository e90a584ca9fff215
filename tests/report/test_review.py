"""The review server: who may ask, what it does, and what it refuses."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log
from vidtrack import TrackLog
from vidtrack.cli.reporter import Reporter
from vidtrack.cli.review import _look_through
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.report.review_server import ReviewServer
from vidtrack.report.review_session import ReviewSession
from vidtrack.tracklog.validation import validate

EVIL = "</script><img src=x onerror=alert(1)>"
BOXES = [{1: (8, 8, 40, 60), 2: (90, 4, 150, 66)}] * 4 + [{3: (9, 8, 41, 60), 2: (90, 4, 150, 66)}] * 4

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def session(tmp_path: Path) -> ReviewSession:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=8))
    log = made_log(tmp_path / "clip.tracks.jsonl", BOXES, {2: 1}, clip, ("person", "car", EVIL))
    inputs = open_inputs(log, None, TrackSelection())
    return ReviewSession(inputs, tmp_path / "clip.edited.tracks.jsonl", *_look_through(inputs, tmp_path, Reporter()))


@pytest.fixture
def server(session: ReviewSession) -> Iterator[ReviewServer]:
    with ReviewServer(session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server: ReviewServer) -> Ask:
    def ask(
        method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        given = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        token = server.token if token is None else token
        connection.request(method, f"/{token}/{path}" if token else path, sent, given)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    return ask


def edit(ask: Ask, operation: str, **values: Any) -> dict[str, str]:
    status, _, body = ask("POST", "edit", {"operation": operation, **values})
    assert status == 200
    return json.loads(body)


def test_corrections_chain_are_undone_and_saved(ask: Ask, session: ReviewSession) -> None:
    assert edit(ask, "merge", tracks=[1, 3]) == {}
    assert edit(ask, "relabel", tracks=[2], name="delivery van") == {}
    assert edit(ask, "split", tracks=[2], frame=5) == {}
    assert edit(ask, "drop", tracks=[4]) == {}
    assert edit(ask, "undo") == {}
    assert edit(ask, "flag", tracks=[4], frame=6) == {}
    assert edit(ask, "save") == {}
    assert not session.unsaved
    log = TrackLog.load(session.target)
    assert [track.label for track in log.tracks] == ["person", "delivery van", "delivery van"]
    assert [len(track) for track in log.tracks] == [8, 5, 3]
    assert [edit.operation for edit in log.header.edits] == ["merge", "relabel", "split", "flag"]
    (flag,) = [event for event in log.events if event.kind == "flag"]
    assert (flag.index, flag.identity) == (6, 4)
    assert validate(session.target).faults == ()


def test_a_saved_log_that_is_undone_is_unsaved_again(ask: Ask, session: ReviewSession) -> None:
    edit(ask, "drop", tracks=[1])
    edit(ask, "save")
    edit(ask, "undo")
    assert session.unsaved
    edit(ask, "save")
    assert len(TrackLog.load(session.target).tracks) == 3
    assert edit(ask, "undo") == {"error": "nothing to undo"}


def test_the_page_shows_the_log_as_it_is_now_and_nothing_in_it_is_markup(ask: Ask) -> None:
    edit(ask, "relabel", tracks=[1], name=EVIL)
    status, headers, body = ask("GET", "")
    text = body.decode()
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert "<img src=x" not in text and "connect-src 'self'" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert data["review"] == {"changes": 1, "unsaved": True, "saved": ""}
    assert [(track["id"], bool(track["thumbnail"])) for track in data["tracks"]] == [(1, True), (2, True), (3, True)]


def test_thumbnails_follow_their_boxes(ask: Ask) -> None:
    edit(ask, "merge", tracks=[3, 1])
    edit(ask, "split", tracks=[2], frame=4)
    data = json.loads(re.search(r'id="data">(.*?)</script>', ask("GET", "")[2].decode())[1])
    thumbnails = {track["id"]: bool(track["thumbnail"]) for track in data["tracks"]}
    assert thumbnails[3] and sorted((thumbnails[2], thumbnails[4])) == [False, True]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"operation": "merge", "tracks": [1, 2]}, "tracks 1 and 2 overlap in frame 0"),
        ({"operation": "merge", "tracks": [1, 9]}, "no track 9"),
        ({"operation": "merge", "tracks": "1,2"}, "no tracks given"),
        ({"operation": "drop", "tracks": [True]}, "no tracks given"),
        ({"operation": "drop", "tracks": [2**70]}, "no tracks given"),
        ({"operation": "drop", "tracks": []}, "no tracks given"),
        ({"operation": "split", "tracks": [1], "frame": 99}, "no such frame"),
        ({"operation": "split", "tracks": [1], "frame": 1e400}, "no such frame"),
        ({"operation": "split", "tracks": [1], "frame": 0}, "cannot be split"),
        ({"operation": "split", "tracks": [1, 2], "frame": 1}, "split takes one track"),
        ({"operation": "relabel", "tracks": [1], "name": "  "}, "a class needs a name"),
        ({"operation": "relabel", "tracks": [1], "name": "a\nb"}, "a class needs a name"),
        ({"operation": "relabel", "tracks": [1], "name": "x" * 101}, "a class needs a name"),
        ({"operation": "relabel", "tracks": [1], "name": 5}, "a class needs a name"),
        ({"operation": "__init__"}, "no tracks given"),
        ({"operation": "rename", "tracks": [1]}, "unknown operation 'rename'"),
        ([1], "not an object"),
        (b"\xff{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    ask: Ask, session: ReviewSession, command: Any, said: str
) -> None:
    status, _, body = ask("POST", "edit", command)
    assert status == 200
    assert said in json.loads(body)["error"]
    assert not session.unsaved


@pytest.mark.parametrize("token", ["", "x", "../..", "%2e%2e", "%C3%A9"])
@pytest.mark.parametrize("path", ["/", "/clip", "/etc/passwd", "/edit"])
def test_without_the_token_nothing_is_told(ask: Ask, token: str, path: str) -> None:
    status, _, body = ask("GET", path, token=token)
    assert (status, body) == (404, b"Not Found")


@pytest.mark.parametrize(
    "path", ["../clip.tracks.jsonl", "clip/../../etc/passwd", "%2e%2e/clip", "clip.mp4", "clip?x", "edit"]
)
def test_nothing_but_the_page_and_the_clip_is_served(ask: Ask, path: str) -> None:
    assert ask("GET", path)[0] == 404


def test_other_sites_cannot_ask_through_the_browser(ask: Ask, session: ReviewSession) -> None:
    drop = {"operation": "drop", "tracks": [1]}
    assert ask("POST", "edit", drop, Host="evil.example:80")[0] == 404  # a name that was pointed at 127.0.0.1
    assert ask("POST", "edit", drop, Origin="http://evil.example")[0] == 403
    assert ask("POST", "edit", drop, Origin="null")[0] == 403
    assert ask("POST", "edit", drop, Content_Type="text/plain")[0] == 404  # what forms can send
    assert ask("POST", "edit", b"x" * (1 << 20 + 1), Content_Length=str(1 << 30))[0] == 413
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
        assert ask(method, "edit", drop)[0] == 501
    assert not session.unsaved


def test_the_address_that_a_browser_is_started_with_works_once(ask: Ask, server: ReviewServer) -> None:
    path = server.address_for_once().rpartition("/")[2]
    assert ask("GET", f"/{path}", token="", Host="evil.example")[0] == 404
    status, headers, _ = ask("GET", f"/{path}", token="")
    assert (status, headers["Location"]) == (303, f"/{server.token}/")
    assert ask("GET", f"/{path}", token="")[0] == 404


def test_only_this_machine_can_connect(server: ReviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", server.address)


def test_the_clip_comes_whole_or_in_the_parts_that_players_ask_for(ask: Ask, session: ReviewSession) -> None:
    whole = session.clip.path.read_bytes()
    status, headers, body = ask("GET", "clip")
    assert (status, headers["Content-Type"], body) == (200, "video/mp4", whole)
    status, headers, body = ask("GET", "clip", Range="bytes=10-19")
    assert (status, headers["Content-Range"], body) == (206, f"bytes 10-19/{len(whole)}", whole[10:20])
    assert ask("GET", "clip", Range="bytes=-7")[2] == whole[-7:]
    assert ask("GET", "clip", Range="bytes=100-")[2] == whole[100:]
    assert ask("GET", "clip", Range="bytes=0-99999999999")[2] == whole
    for wrong in ("bytes=9999999999-", "bytes=5-2", "bytes=-", "bytes=1-2,5-6", "lines=1-2", "bytes=-0"):
        assert ask("GET", "clip", Range=wrong)[0] == 416, wrong
