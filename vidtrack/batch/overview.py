"""A batch as a whole, from its manifest: `report.json` for programs and `index.html` for people.

`report.json` is an object: `folder` and `written` (UTC), `counts` of clips by state, `frames` and `seconds` of the
finished ones, and `clips`, of which each has `source`, `state` (failed, quarantined, interrupted,
waiting, running, truncated or complete), `attempts`, `frames`, `tracks`, `seconds` of work, `outputs` (path and bytes),
`error`, `hint` and `updated` (UTC). Paths are relative to `folder`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vidtrack.batch.engine import Outcome
from vidtrack.batch.lock import locked
from vidtrack.batch.manifest import DONE, FOLDER, NAME, Manifest, Row
from vidtrack.batch.pending import relative
from vidtrack.batch.remote import Location
from vidtrack.batch.remote_manifest import home_of
from vidtrack.core.atomic_files import write_whole
from vidtrack.core.errors import UsageError
from vidtrack.core.metadata import utc_now
from vidtrack.core.template import fill
from vidtrack.core.wording import plural
from vidtrack.tracklog import Status, is_log_path, stem_of

REPORT, INDEX, THUMBNAILS = "report.json", "index.html", "thumbnails"
_STATES = {
    "failed": "failed",
    "quarantined": "quarantined",
    "interrupted": "interrupted",
    "waiting": "waiting",
    "running": "running",
    "truncated": "truncated",
    "complete": "complete",
}  # those that need attention first


def write_overview(root: Location, rows: Iterable[Row]) -> None:
    """Write both files into the batch's folder in `root`, or in its stand-in; raises OutputError."""
    ordered = sorted(rows, key=lambda row: (list(_STATES).index(state_of(row)), str(row.source)))
    report = json.dumps(report_of(root, ordered), ensure_ascii=False, indent=1) + "\n"
    folder = home_of(root) / FOLDER
    write_whole(folder / REPORT, report)
    write_whole(folder / INDEX, page_of(root, ordered))


def refresh_overview(made: Path) -> None:
    """Write the overview of the batch again whose folder `made` lies in; a batch that is at work does it itself.

    Raises OutputError.
    """
    root = next((folder for folder in made.absolute().parents if (folder / FOLDER / NAME).is_file()), None)
    if root is None:
        return
    with suppress(UsageError), locked(root), closing(Manifest(root / FOLDER / NAME)) as manifest:
        write_overview(root, manifest.rows().values())


def state_of(row: Row) -> str:
    """The result of a clip in one word; a finished one is complete or truncated."""
    return (row.status if row.status in _STATES else Status.COMPLETE) if row.state == DONE else row.state


def report_of(root: Location, rows: Sequence[Row]) -> dict[str, Any]:
    """The values of `report.json`."""
    return {
        "folder": str(root.absolute() if isinstance(root, Path) else root),
        "written": utc_now(),
        "counts": dict(Counter(map(state_of, rows))),
        "frames": sum(row.frames for row in rows if row.state == DONE),
        "seconds": round(sum(row.seconds for row in rows if row.state == DONE), 3),
        "clips": [
            {
                "source": str(row.source),
                "state": state_of(row),
                "attempts": row.attempts,
                "frames": row.frames,
                "tracks": row.tracks,
                "seconds": round(row.seconds, 3),
                "outputs": [{"path": path, "bytes": size} for path, size in row.outputs] if row.state == DONE else [],
                "error": row.error,
                "hint": row.hint,
                "updated": row.updated,
            }
            for row in rows
        ],
    }


def page_of(root: Location, rows: Sequence[Row]) -> str:
    """The page; whatever names hold, no text in it can become markup."""
    counts = Counter(map(state_of, rows))
    present = [state for state in _STATES if counts[state]]
    frames, seconds = (sum(getattr(row, name) for row in rows if row.state == DONE) for name in ("frames", "seconds"))
    style = fill(_file("index.css"), {"filters": "".join(map(_filter_rule, present))})
    clips, worked = plural(len(rows), "clip", form=","), plural(frames, "frame", form=",")
    values = {
        "hash": f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode('ascii')}",
        "title": _text(f"Batch in {_title(root)}"),
        "style": style,
        "facts": _text(f"{clips} · {worked} in {_clock(seconds)} of work · written {utc_now()}"),
        "filters": _filter("all", f"All {len(rows):,}", checked=True)
        + "".join(_filter(state, f"{_STATES[state].capitalize()} {counts[state]:,}") for state in present),
        "rows": (listed := "".join(_row(root, row) for row in rows)),
        "hint": "" if ">report<" in listed or not isinstance(root, Path) else _text(_report_hint(root)),
    }
    return fill(_file("index.html"), values)


def _report_hint(root: Path) -> str:
    return f"vidtrack report {shlex.quote(str(root))} writes a report of each clip, which this page then links to."


def _title(root: Location) -> str:
    return root.absolute().name or str(root.absolute()) if isinstance(root, Path) else str(root)


def save_thumbnail(root: Location, outcome: Outcome) -> None:
    """Keep the still of a clip for the page; results at an address have none. Raises OutputError."""
    if isinstance(root, Path) and outcome.thumbnail:
        write_whole(root / FOLDER / _thumbnail(relative(outcome.job.source, root)), outcome.thumbnail)


def _thumbnail(source: Location) -> str:
    return f"{THUMBNAILS}/{hashlib.sha256(os.fsencode(str(source))).hexdigest()[:20]}.jpg"


def _image(root: Location, row: Row) -> str:
    name = _thumbnail(row.source)
    if not isinstance(root, Path) or not (root / FOLDER / name).exists():
        return ""
    return f'<img src="{name}" alt="" loading="lazy">'


def _report_link(root: Location, row: Row) -> str:
    """A link to the page that `vidtrack report` made from the log, if there is one beside it."""
    logs = [Path(path) for path, _ in row.outputs if is_log_path(Path(path))]
    if not isinstance(root, Path) or not logs:
        return ""
    page = logs[0].with_name(f"{stem_of(logs[0])}.report.html")
    return _link(str(page), "report") if (root / page).exists() else ""


def _row(root: Location, row: Row) -> str:
    state = state_of(row)
    finished = row.state == DONE
    hint = f" ({row.hint})" if row.hint else ""
    error = "" if finished or not row.error else f'<div class="error">{_text(row.error + hint)}</div>'
    figures = [
        (f"{row.frames:,}", "frames"),
        (f"{row.tracks:,}", "tracks"),
        (_clock(row.seconds), ""),
        (f"{row.frames / row.seconds:.1f}" if row.seconds else "", "fps"),
    ]
    cells = "".join(f'<td class="number" data-unit="{unit}">{value if finished else ""}' for value, unit in figures)
    links = "".join(_link(path, "log" if is_log_path(Path(path)) else "video") for path, _ in row.outputs)
    links = links + _report_link(root, row) if finished else ""
    return (
        f'<tr class="{state}"><th scope="row">{_image(root, row)}{_text(str(row.source))}{error}'
        f'<td class="state">{_STATES[state]}{cells}<td class="links">{links}</tr>\n'
    )


def _link(path: str, name: str) -> str:
    address = quote(os.fsencode(os.path.join(os.pardir, path)))  # as seen from the batch's folder
    return f'<a href="{address}">{name}</a>'


def _filter(state: str, label: str, checked: bool = False) -> str:
    mark = " checked" if checked else ""
    return f'<label><input type="radio" name="state" id="{state}"{mark}>{label}</label>\n'


def _filter_rule(state: str) -> str:
    return f"body:has(#{state}:checked) tbody tr:not(.{state}) {{ display: none; }}\n"


def _text(value: str) -> str:
    """Text as markup, with undecodable bytes of names escaped."""
    return html.escape(value.encode("utf-8", "backslashreplace").decode())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _file(name: str) -> str:
    return resources.files("vidtrack.batch").joinpath(name).read_text("utf-8")
