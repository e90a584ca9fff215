"""Strict readers and interpreters of what exports write, and comparisons of boxes."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import numpy as np
import pytest

from tests.export.scenes import program
from vidtrack.export.scene import Anchor, Scene

Keys = dict[float, list[float]]
ANCHORS = list(Anchor)


def boxes_by_frame(scene: Scene, number: int = 0, first: int = 0) -> dict[int, list[float]]:
    track = scene.tracks[number]
    return dict(zip((track.frames + first).tolist(), track.boxes_xyxy.tolist(), strict=True))


def same(found: dict[Any, Any], expected: dict[Any, Any], within: float = 0.01) -> None:
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=within)


FAKE_AFTER_EFFECTS = """
var made = {nulls: [], imported: []};
var KeyframeInterpolationType = {HOLD: "hold"};
function Property() { this.keys = []; this.holds = []; this.value = null; }
Property.prototype = {
    get numKeys() { return this.keys.length; },
    setValue: function (value) { this.value = value; },
    setValueAtTime: function (time, value) { this.keys.push([time, value]); },
    setValuesAtTimes: function (times, values) { for (var i in times) this.keys.push([times[i], values[i]]); },
    setInterpolationTypeAtKey: function (key, a, b) {
        if (key < 1 || key > this.keys.length) throw new Error("no key " + key);
        this.holds.push(key);
    }
};
function Null() {
    this.source = {};
    this.anchorPoint = new Property(); this.position = new Property();
    this.scale = new Property(); this.opacity = new Property();
}
function File(path) { this.path = path; this.exists = true; }
function ImportOptions(file) { this.file = file; }
var app = {
    beginUndoGroup: function () {}, endUndoGroup: function () {},
    project: {
        importFile: function (options) { made.imported.push(options.file.path); return {}; },
        items: {addComp: function (name, width, height, aspect, duration, rate) {
            made.comp = {name: name, width: width, height: height, aspect: aspect, duration: duration, rate: rate,
                openInViewer: function () {},
                layers: {add: function () { return {}; },
                    addNull: function () { var layer = new Null(); made.nulls.unshift(layer); return layer; }}};
            return made.comp;
        }}
    }
};
"""


def run_script(script: str) -> dict[str, Any]:
    """What the script does to an After Effects of cardboard."""
    whole = f"{FAKE_AFTER_EFFECTS}\n{script}\nconsole.log(JSON.stringify(made));"
    done = subprocess.run([program("node"), "-"], input=whole, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_braces(text: str) -> list[Any]:
    """Words and nested lists of a Nuke script, which are those of Tcl."""
    stack: list[list[Any]] = [[]]
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    for token in re.findall(r'[{}]|"[^"]*"|[^\s{}]+', text):
        if token == "{":
            stack.append([])
        elif token == "}":
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(token)
    assert len(stack) == 1, "a brace is not closed"
    return stack[0]


def read_nodes(text: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Kind and knobs of each node by name."""
    nodes = {}
    parts = iter(read_braces(text))
    for kind, knobs in zip(parts, parts, strict=True):
        found = dict(zip(knobs[::2], knobs[1::2], strict=True))
        nodes[found["name"]] = (kind, found)
    return nodes


def run_lua(text: str) -> Any:
    """The table a .setting is: Fusion reads it as Lua, with a function for each kind of tool."""
    lupa = pytest.importorskip("lupa", reason="reads the setting for Fusion")
    lua = lupa.LuaRuntime()
    return lua, lua.execute(
        "function ordered() return function(t) return t end end\n"
        "for _, kind in ipairs{'Input', 'BezierSpline', 'XYPath', 'RectangleMask', 'OperatorInfo'} do\n"
        "  _G[kind] = function(t) t.kind = kind; return t end\nend\nreturn " + text
    )


def edges_of(painted: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else []
