"""Corrections: what they do, how they are undone and saved, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.report.pages import INJECTION, Ask, edit
from vidtrack import TrackLog
from vidtrack.report.review_session import ReviewSession
from vidtrack.tracklog.validation import validate


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
    edit(ask, "relabel", tracks=[1], name=INJECTION)
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
