from __future__ import annotations

from typing import Any

import pytest

from vidtrack.core.status import Status
from vidtrack.tracklog.records import Event, Footer, RunFigures, TrackSummary

CROSSING = {
    "type": "event", "kind": "line", "i": 4, "pts": 8, "message": "car 3 crosses gate", "name": "gate", "id": 3,
    "cls": 1, "direction": "left",
}  # fmt: skip
NOTE = {"type": "event", "kind": "encode", "i": None, "pts": None, "message": "no subtitles"}
SUMMARY = {
    "type": "track", "id": 1, "cls": 0, "first": {"i": 6, "pts": 12}, "last": {"i": 10, "pts": 20}, "frames": 2,
    "visible": 1, "gaps": 1, "mean_score": 0.4, "max_score": 0.5, "best": {"i": 10, "pts": 20, "box": [0, 5, 20, 25]},
}  # fmt: skip
FOOTER = {
    "type": "footer", "status": "interrupted", "frames": 4, "tracks": 2, "decoded": 9, "expected": None, "problems": 0,
    "seconds": 1.5, "fps": 2.7,
}  # fmt: skip


@pytest.mark.parametrize("own", [{}, {"self": 1, "index": 2, "mood": "good"}], ids=["own keys", "keys of others"])
@pytest.mark.parametrize(
    ("kind", "values"),
    [(Event, CROSSING), (Event, NOTE), (TrackSummary, SUMMARY), (TrackSummary, SUMMARY | {"best": None}),
     (Footer, FOOTER)],
)  # fmt: skip
def test_a_line_comes_back_as_it_was(kind: Any, values: dict[str, Any], own: dict[str, Any]) -> None:
    record = kind.from_dict(values | own)
    assert record.to_dict() == values | own
    assert kind.from_dict(record.to_dict()) == record


def test_a_footer_leaves_out_what_the_run_did_not_count() -> None:
    footer = Footer(Status.COMPLETE, 4, 2, RunFigures(decoded=4, expected=None))
    assert footer.to_dict() == {
        "type": "footer", "status": "complete", "frames": 4, "tracks": 2, "decoded": 4, "expected": None
    }  # fmt: skip
    assert Footer(Status.COMPLETE, 4, 2).to_dict() == {
        "type": "footer", "status": "complete", "frames": 4, "tracks": 2
    }  # fmt: skip
