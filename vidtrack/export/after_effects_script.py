"""After Effects script: a composition of the clip's size and rate with the clip and a null an object."""

from __future__ import annotations

import json

import numpy as np

from vidtrack.export.after_effects import LAYER_SIZE
from vidtrack.export.scene import Scene, Track

_SCRIPT = """\
// Tracks of %(clip)s by vidtrack. In After Effects: File > Scripts > Run Script File...
(function () {
    var scene = %(scene)s;
    var tracks = [
%(tracks)s
    ];

    function hold(property, key) {
        property.setInterpolationTypeAtKey(key, KeyframeInterpolationType.HOLD, KeyframeInterpolationType.HOLD);
    }

    function addClip(comp) {
        var file = new File(scene.path);
        if (!file.exists) { return; }
        var options = new ImportOptions(file);
        options.sequence = scene.sequence;
        var footage = app.project.importFile(options);
        if (scene.sequence) { footage.mainSource.conformFrameRate = scene.rate; }
        comp.layers.add(footage).name = scene.name;
    }

    function addTrack(comp, track) {
        var frame = comp.frameDuration, times = [], positions = [], scales = [], i;
        var layer = comp.layers.addNull(comp.duration);
        layer.name = track.name;
        layer.source.name = track.name;
        layer.source.width = layer.source.height = %(side)d;
        for (i = 0; i < track.keys.length; i++) {
            times.push(track.keys[i][0] * frame);
            positions.push([track.keys[i][1], track.keys[i][2]]);
            scales.push([track.keys[i][3], track.keys[i][4]]);
        }
        layer.anchorPoint.setValue(track.anchor);
        layer.position.setValuesAtTimes(times, positions);
        layer.scale.setValuesAtTimes(times, scales);
        for (i = 0; i < track.lasts.length; i++) {
            hold(layer.position, track.lasts[i]);
            hold(layer.scale, track.lasts[i]);
        }
        for (i = 0; i < track.opacity.length; i++) {
            layer.opacity.setValueAtTime(track.opacity[i][0] * frame, track.opacity[i][1]);
        }
        for (i = 1; i <= layer.opacity.numKeys; i++) { hold(layer.opacity, i); }
        layer.inPoint = track.frames[0] * frame;
        layer.outPoint = Math.min(track.frames[1] * frame, comp.duration);
    }

    app.beginUndoGroup("vidtrack");
    var comp = app.project.items.addComp(
        scene.name, scene.size[0], scene.size[1], scene.pixelAspect,
        Math.min(scene.frames * scene.frameDuration, 3 * 3600), scene.rate);  // no composition is longer
    comp.frameDuration = scene.frameDuration;
    comp.displayStartTime = scene.firstFrame * scene.frameDuration;
    addClip(comp);
    for (var t = tracks.length - 1; t >= 0; t--) { addTrack(comp, tracks[t]); }
    comp.openInViewer();
    app.endUndoGroup();
})();
"""


def write(scene: Scene) -> str:
    """A script that makes the composition; frames in it count from 0, whatever number the first one shows."""
    rate = scene.constant_rate
    facts = {
        "name": scene.name,
        "path": scene.first_file,
        "sequence": scene.files is not None,
        "size": scene.size,
        "pixelAspect": float(scene.pixel_aspect),
        "frames": scene.frame_count,
        "frameDuration": float(1 / rate),
        "rate": float(rate),
        "firstFrame": scene.numbered_from(scene.numbering.start),
    }
    return _SCRIPT % {
        "clip": scene.name,
        "scene": json.dumps(facts),
        "tracks": ",\n".join(" " * 8 + json.dumps(_facts(scene, track)) for track in scene.tracks),
        "side": LAYER_SIZE,
    }


def _facts(scene: Scene, track: Track) -> dict[str, object]:
    half, full = LAYER_SIZE / 2, LAYER_SIZE
    anchor = {"center": [half, half], "bottom": [half, full], "top-left": [0, 0]}[scene.anchor]
    keys = np.hstack([track.frames[:, None], track.points(scene.anchor), track.sizes * (100 / LAYER_SIZE)])
    return {
        "name": track.name,
        "anchor": anchor,
        "frames": [int(track.frames[0]), int(track.frames[-1]) + 1],
        "lasts": [run.stop for run in track.runs()],  # keys, from 1, that end a stretch
        "opacity": [[frame, 100 * there] for frame, there in track.switches()],
        "keys": np.round(keys, 4).tolist(),
    }
