"""Who may ask the review server, and what it serves."""

from __future__ import annotations

import re

import pytest

from tests.report.pages import Ask
from vidtrack.report.review_server import ReviewServer
from vidtrack.report.review_session import ReviewSession


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
    assert ask("POST", "edit", b"x", Content_Length=str(1 << 30))[0] == 413
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
