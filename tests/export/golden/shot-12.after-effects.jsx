// Tracks of shot 12 by vidtrack. In After Effects: File > Scripts > Run Script File...
(function () {
    var scene = {"name": "shot 12", "path": "footage/shot 12.mov", "sequence": false, "size": [320, 180], "pixelAspect": 1.0, "frames": 10, "frameDuration": 0.03336666666666667, "rate": 29.97002997002997, "firstFrame": 1798};
    var tracks = [
        {"name": "person 1", "anchor": [50.0, 50.0], "frames": [1, 8], "lasts": [3, 5], "opacity": [[0, 0], [1, 100], [4, 0], [6, 100], [8, 0]], "keys": [[1.0, 30.5, 70.0, 40.5, 100.0], [2.0, 32.75, 70.375, 40.5, 99.75], [3.0, 35.25, 70.75, 40.5, 99.5], [6.0, 220.06, 80.67, 40.12, 101.34], [7.0, 222.75, 80.005, 40.5, 100.01]]},
        {"name": "traffic light 2", "anchor": [50.0, 50.0], "frames": [0, 3], "lasts": [3], "opacity": [[0, 100], [3, 0]], "keys": [[0.0, 305.0, 25.0, 10.0, 30.0], [1.0, 305.5, 25.5, 10.0, 30.0], [2.0, 306.0, 26.0, 10.0, 30.0]]}
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
        layer.source.width = layer.source.height = 100;
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
