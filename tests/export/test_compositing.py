"""After Effects, Nuke, 3DE, Fusion and Blender: what was written, read back by a strict reader or by the program."""

from __future__ import annotations

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.export.scenes import BY_HAND, by_hand, exported, interpreter_with, moving, program, scene_of, write_log
from vidtrack.export import after_effects, after_effects_script, blender, fusion, nuke
from vidtrack.export import three_dequalizer as points
from vidtrack.export.scene import Anchor, Scene

Keys = dict[float, list[float]]
ANCHORS = list(Anchor)


def boxes_by_frame(scene: Scene, number: int = 0, first: int = 0) -> dict[int, list[float]]:
    track = scene.tracks[number]
    return dict(zip((track.frames + first).tolist(), track.boxes_xyxy.tolist(), strict=True))


def same(found: dict[Any, Any], expected: dict[Any, Any], within: float = 0.01) -> None:
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), atol=within)


def read_keyframes(text: str) -> tuple[dict[str, str], dict[str, Keys]]:
    """The header and the blocks of keyframe data; every line has to be of the form After Effects writes."""
    assert text.startswith("Adobe After Effects 8.0 Keyframe Data\n\n\t")
    assert text.endswith("\n\n\nEnd of Keyframe Data\n")
    head, *blocks = text.removesuffix("\n\n\nEnd of Keyframe Data\n").split("\n\n")[1:]
    header = dict(line.removeprefix("\t").split("\t") for line in head.splitlines())
    found = {}
    for block in blocks:
        title, columns, *rows = block.splitlines()
        assert re.fullmatch(r"\tFrame(\t([XYZ] )?(pixels|percent))+\t", columns)
        width = columns.count("\t") - 1
        assert all(re.fullmatch(rf"\t-?\d+(\t-?\d+(\.\d+)?){{{width - 1}}}\t", row) for row in rows)
        values = [[float(value) for value in row.split()] for row in rows]
        assert [row[0] for row in values] == sorted({row[0] for row in values})
        found[title] = {row[0]: row[1:] for row in values}
    return header, found


@pytest.mark.parametrize("anchor", ANCHORS)
def test_after_effects_keyframes_hold_the_box_of_a_null(anchor: Anchor) -> None:
    scene = by_hand(anchor=anchor)
    files = after_effects.write(scene)
    assert list(files) == [f"{name} {kind}.txt" for name in ("person 1", "traffic light 2") for kind in ("transform", "corner pin")]  # fmt: skip  # noqa: E501
    header, blocks = read_keyframes(files["person 1 transform.txt"])
    assert header == {
        "Units Per Second": "29.97",
        "Source Width": "320",
        "Source Height": "180",
        "Source Pixel Aspect Ratio": "1",
        "Comp Pixel Aspect Ratio": "1",
    }
    assert list(blocks) == ["Transform\tPosition", "Transform\tScale", "Transform\tOpacity"]
    x_part, y_part = {"center": (0.5, 0.5), "bottom": (0.5, 1), "top-left": (0, 0)}[anchor]
    boxes = {}
    for frame, (x, y, _) in blocks["Transform\tPosition"].items():
        width, height, _ = blocks["Transform\tScale"][frame]  # percent of 100 pixels
        left, top = x - x_part * width, y - y_part * height
        boxes[frame] = [left, top, left + width, top + height]
    same(boxes, boxes_by_frame(scene))
    assert blocks["Transform\tOpacity"] == {0: [0], 1: [100], 3: [100], 4: [0], 5: [0], 6: [100], 7: [100], 8: [0]}


def test_after_effects_corner_pin_is_in_the_order_of_its_parameters() -> None:
    scene = by_hand(start_frame=100)
    _, blocks = read_keyframes(after_effects.write(scene)["person 1 corner pin.txt"])
    corners = [blocks[f"Effects\tADBE Corner Pin #1\tADBE Corner Pin-000{n}"] for n in (1, 2, 3, 4)]
    for frame, (left, top, right, bottom) in boxes_by_frame(scene, first=100).items():
        assert [key[frame] for key in corners] == [[left, top], [right, top], [left, bottom], [right, bottom]]
    assert next(iter(blocks["Transform\tOpacity"])) == 100


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


@pytest.mark.parametrize("anchor", ANCHORS)
def test_after_effects_script_makes_the_comp_and_a_null_an_object(anchor: Anchor) -> None:
    scene = by_hand(anchor=anchor)
    made = run_script(after_effects_script.write(scene))
    comp, frame = made["comp"], 1001 / 30000
    assert (comp["name"], comp["width"], comp["height"], comp["aspect"]) == ("shot 12", 320, 180, 1)
    assert comp["duration"] == pytest.approx(10 * frame, abs=1e-12)
    assert comp["frameDuration"] == pytest.approx(frame, abs=1e-15)
    assert comp["displayStartTime"] == pytest.approx(1798 * frame, abs=1e-9)
    assert made["imported"] == ["footage/shot 12.mov"]
    assert [layer["name"] for layer in made["nulls"]] == ["person 1", "traffic light 2"]
    layer = made["nulls"][0]
    anchor_x, anchor_y = layer["anchorPoint"]["value"]
    boxes = {}
    for (time, (x, y)), (_, (across, down)) in zip(layer["position"]["keys"], layer["scale"]["keys"], strict=True):
        left, top = x - anchor_x * across / 100, y - anchor_y * down / 100
        boxes[round(time / frame, 6)] = [left, top, left + across, top + down]
    same(boxes, boxes_by_frame(scene))
    assert [(round(time / frame, 6), value) for time, value in layer["opacity"]["keys"]] == [
        (0, 0), (1, 100), (4, 0), (6, 100), (8, 0),
    ]  # fmt: skip
    assert layer["opacity"]["holds"] == [1, 2, 3, 4, 5]
    assert layer["position"]["holds"] == layer["scale"]["holds"] == [3, 5]  # the last one before each gap
    assert (round(layer["inPoint"] / frame, 6), round(layer["outPoint"] / frame, 6)) == (1, 8)


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


def read_curve(words: list[str]) -> Keys:
    assert words[0] == "curve"
    keys: Keys = {}
    frame = 0
    for word in words[1:]:
        if word.startswith("x"):
            frame = int(word[1:])
        elif word != "K":
            keys[frame] = [float(word)]
            frame += 1
    return keys


@pytest.mark.parametrize("first", [None, 0, 86400])
def test_nuke_tracker_and_crops(first: int | None) -> None:
    scene = by_hand(start_frame=first)
    start, height = 1001 if first is None else first, 180
    nodes = read_nodes(nuke.write(scene))
    assert [(kind, name) for name, (kind, _) in nodes.items()] == [
        ("Tracker4", "shot_12_tracks"), ("Crop", "person_1_box"), ("Crop", "traffic_light_2_box"),
    ]  # fmt: skip
    (version, columns, rows), specs, table = nodes["shot_12_tracks"][1]["tracks"]
    assert [version, columns, rows, len(specs), len(table)] == ["1", "31", "2", 31, 2]
    assert all(len(spec) == 6 for spec in specs)
    assert all(len(row) == 31 for row in table)
    named = dict(zip([spec[4] for spec in specs], table[0], strict=True))
    assert named["name"] == '"person 1"'
    centres = {
        frame: [(left + right) / 2, height - (top + bottom) / 2]
        for frame, (left, top, right, bottom) in boxes_by_frame(scene, first=start).items()
    }
    x, y = read_curve(named["track_x"]), read_curve(named["track_y"])
    same({frame: [*x[frame], *y[frame]] for frame in x}, centres)
    switches = {start: [0], start + 1: [1], start + 4: [0], start + 6: [1], start + 8: [0]}
    assert {frame: value for frame, value in hold_curve(named["e"]).items()} == switches
    assert [float(named[f"pattern_{side}"]) for side in "xyrt"] == [-20.25, -50, 20.25, 50]
    crop = nodes["person_1_box"][1]
    sides = [read_curve(curve) for curve in crop["box"]]
    boxes = {
        frame: [sides[0][frame][0], height - sides[3][frame][0], sides[2][frame][0], height - sides[1][frame][0]]
        for frame in sides[0]
    }
    same(boxes, boxes_by_frame(scene, first=start))
    assert hold_curve(crop["disable"][0]) == {frame: [1 - value] for frame, (value,) in switches.items()}
    assert crop["inputs"] == "0"


def hold_curve(words: list[str]) -> Keys:
    assert words[:2] == ["curve", "K"]
    return {int(at[1:]): [float(value)] for at, value in zip(words[2::2], words[3::2], strict=True)}


def test_points_have_keys_where_the_object_is_and_nowhere_else() -> None:
    scene = by_hand(anchor=Anchor.BOTTOM)
    lines = iter(points.write(scene).splitlines())
    assert next(lines) == "2"
    found = {}
    for _ in range(2):
        name, colour, count = next(lines), next(lines), int(next(lines))
        assert colour == "0"
        rows = [next(lines).split() for _ in range(count)]
        found[name] = {int(frame): [float(x), float(y)] for frame, x, y in rows}
    assert next(lines, None) is None
    expected = {frame: [(box[0] + box[2]) / 2, 180 - box[3]] for frame, box in boxes_by_frame(scene, first=1).items()}
    same(found["person 1"], expected)


def run_lua(text: str) -> Any:
    """The table a .setting is: Fusion reads it as Lua, with a function for each kind of tool."""
    lupa = pytest.importorskip("lupa", reason="reads the setting for Fusion")
    lua = lupa.LuaRuntime()
    return lua, lua.execute(
        "function ordered() return function(t) return t end end\n"
        "for _, kind in ipairs{'Input', 'BezierSpline', 'XYPath', 'RectangleMask', 'OperatorInfo'} do\n"
        "  _G[kind] = function(t) t.kind = kind; return t end\nend\nreturn " + text
    )


def test_fusion_masks_follow_the_boxes() -> None:
    scene = by_hand(anchor=Anchor.TOP_LEFT)
    lua, setting = run_lua(fusion.write(scene))
    tools = {name: tool for name, tool in setting.Tools.items()}
    assert {name for name, tool in tools.items() if tool.kind == "RectangleMask"} == {"person_1", "traffic_light_2"}

    def spline(link: Any) -> Keys:
        assert link.Source == "Value"
        keys = tools[link.SourceOp].KeyFrames
        return {frame: [keys[frame][1]] for frame in sorted(keys)}

    def path(link: Any) -> dict[float, list[float]]:
        tool = tools[link.SourceOp]
        assert tool.kind == "XYPath"
        x, y = spline(tool.Inputs.X), spline(tool.Inputs.Y)
        return {frame: [x[frame][0] * 320, (1 - y[frame][0]) * 180] for frame in x}

    mask = tools["person_1"].Inputs
    centre, width, height = path(mask.Center), spline(mask.Width), spline(mask.Height)
    boxes = {}
    for frame, (x, y) in centre.items():
        half_width, half_height = width[frame][0] * 160, height[frame][0] * 90
        boxes[frame] = [x - half_width, y - half_height, x + half_width, y + half_height]
    same(boxes, boxes_by_frame(scene))
    assert spline(mask.Level) == {0: [0], 1: [1], 3: [1], 4: [0], 5: [0], 6: [1], 7: [1], 8: [0]}
    link = lua.eval("{SourceOp='person_1Path', Source='Value'}")
    same(path(link), {frame: box[:2] for frame, box in boxes_by_frame(scene).items()})


READ_BLENDER = """
import json, os, sys
import bpy
script, clip, saved = sys.argv[-3:]
source = open(script, encoding="utf-8").read()
exec(compile(source, script, "exec"), {"__file__": script, "__name__": "__main__"})
bpy.ops.wm.save_as_mainfile(filepath=saved)
bpy.ops.wm.open_mainfile(filepath=saved)
(clip,) = bpy.data.movieclips
tracks = {
    track.name: [[m.frame, m.mute, *m.co, *[list(c) for c in m.pattern_corners]] for m in track.markers]
    for track in clip.tracking.objects[0].tracks
}
away = {
    track.name: [f for f in range(1, 13) if track.markers.find_frame(f, exact=False).mute]
    for track in clip.tracking.objects[0].tracks
}
scene = bpy.context.scene
print("FOUND" + json.dumps({
    "tracks": tracks, "away": away, "size": list(clip.size), "start": clip.frame_start,
    "fps": scene.render.fps / scene.render.fps_base, "frames": [scene.frame_start, scene.frame_end],
}))
"""


def test_blender_gets_the_tracks_and_keeps_them(tmp_path: Path) -> None:
    python = interpreter_with("bpy")
    from tests.media import Clip, write_clip

    rate = Fraction(30000, 1001)
    write_clip(tmp_path / "clip.mp4", Clip(frames=12, rate=rate, size=(160, 96)))
    there = moving(3, 1) | moving(4, 6)
    long_gap = moving(1) | moving(4, 7)
    log = write_log(
        tmp_path / "clip.tracks.jsonl",
        {3: there, 4: long_gap},
        range(12),
        rate,
        duration_seconds=12 / rate,
        frame_count=12,
    )
    script = exported(log, "blender", tmp_path, start_frame=101)
    reader = tmp_path / "read.py"
    reader.write_text(READ_BLENDER, "utf-8")
    command = [python, str(reader), str(script), str(tmp_path / "clip.mp4"), str(tmp_path / "saved.blend")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert "FOUND" in done.stdout, done.stderr
    found = json.loads(done.stdout.split("FOUND")[1].splitlines()[0])
    assert found["size"] == [160, 96]
    assert (found["start"], found["frames"]) == (101, [101, 112])
    assert found["fps"] == pytest.approx(float(rate), rel=1e-6)
    markers = {frame: values for frame, *values in found["tracks"]["person 3"]}
    boxes = {}
    for frame, (mute, x, y, *corners) in markers.items():
        if not mute:
            left, bottom = (x + corners[0][0]) * 160, (1 - y - corners[0][1]) * 96
            right, top = (x + corners[2][0]) * 160, (1 - y - corners[2][1]) * 96
            boxes[frame] = [left, top, right, bottom]
    same(boxes, boxes_by_frame(scene_of(log), first=1))
    assert found["away"] == {"person 3": [1, 5, 6, 11, 12], "car 4": [2, 3, 4, 5, 6, 7, 12]}


def test_names_no_program_trips_over(tmp_path: Path) -> None:
    log = write_log(tmp_path / "we\"ird 'clip' {é}.tracks.jsonl", {1: moving(3)}, range(3), path=Path('a"b\\{c} é.mp4'))
    scene = scene_of(log)
    read_nodes(nuke.write(scene))
    run_lua(fusion.write(scene))
    run_script(after_effects_script.write(scene))
    compile(blender.write(scene), "script", "exec")
    assert scene.name == "{c} é"


def test_the_clip_beside_the_log_is_found(tmp_path: Path) -> None:
    log = tmp_path / "shot 12.tracks.jsonl"
    log.write_bytes(BY_HAND.read_bytes())
    (tmp_path / "shot 12.mov").touch()
    script = exported(log, "after-effects-script", tmp_path / "out").read_text("utf-8")
    assert json.dumps(str(tmp_path / "shot 12.mov")) in script
