"""Exported models give the boxes of the model they come from, at every size, and say what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
openvino = pytest.importorskip("openvino")

from tests.conftest import Ended, assert_one_line  # noqa: E402
from tests.media import Clip, write_clip  # noqa: E402
from tests.model import exports  # noqa: E402
from vidtrack import TrackLog, load_model  # noqa: E402
from vidtrack.core.errors import UsageError, WeightsError  # noqa: E402
from vidtrack.model.checkpoint import load_deformable_detr  # noqa: E402
from vidtrack.model.detector import DeformableDETR  # noqa: E402
from vidtrack.model.export import trtexec_command  # noqa: E402
from vidtrack.model.exported import ExportHeader  # noqa: E402

RANDOM = np.random.default_rng(0)
SIZES = [(97, 131), (160, 160), (90, 240)]
ALL = np.ones(4, dtype=bool)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    root = tmp_path_factory.getbasetemp()
    return partial(exports.exported, root.parent if root.name.startswith("popen-") else root)


@pytest.fixture(scope="module")
def original(exported: Callable[[str], Path]) -> DeformableDETR:
    with exports.small_backbone():
        return load_deformable_detr(exported("onnx").with_name("tiny.safetensors"), "cpu", "float32")


def image(height: int, width: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


def restricted(path: Path, folder: Path) -> Path:
    """A copy of an exported file whose metadata restrict what it may be used for."""

    def changed(header: str) -> str:
        return json.dumps(json.loads(header) | {"use": "for tests only"})

    copy = folder / path.name
    if path.suffix == ".onnx":
        graph = onnx.load(path)
        graph.metadata_props[0].value = changed(graph.metadata_props[0].value)
        onnx.save(graph, copy)
    else:
        model = openvino.Core().read_model(path)
        model.set_rt_info(changed(model.get_rt_info(["vidtrack"]).value), ["vidtrack"])
        openvino.save_model(model, copy, compress_to_fp16=False)
    return copy


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("size", SIZES)
def test_boxes_and_scores_are_those_of_the_model(
    exported: Callable[[str], Path], original: DeformableDETR, runtime: str, size: tuple[int, int]
) -> None:
    detector = load_model(exported(runtime), "cpu")
    frame = image(*size)
    expected_memory = original.encode(*original.preprocessor()([frame]))
    memory = detector.encode(*detector.preprocessor()([frame]))
    for actual, expected in zip(detector.predict(memory), original.predict(expected_memory), strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-3)

    enough = 0.3 * float(detector.predict(memory)[0].max())
    ours = detector.detect(memory, (size[1], size[0]), enough, ALL)
    theirs = original.detect(expected_memory, (size[1], size[0]), enough, ALL)
    assert len(ours) > 0
    np.testing.assert_allclose(ours.boxes_xyxy, theirs.boxes_xyxy, atol=0.1)
    assert ours.classes.tolist() == theirs.classes.tolist()


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize(
    "name", ["one stage", *(pytest.param(name, marks=pytest.mark.slow) for name in ("two stages", "transformers"))]
)
def test_the_models_of_the_paper_are_exported_too(exported: Callable[..., Path], runtime: str, name: str) -> None:
    detector = load_model(exported(runtime, name), "cpu")
    with exports.small_backbone():
        source = exports.SOURCES[name](exported("onnx", name).parent)
        original = load_deformable_detr(source, "cpu", "float32")
    for height, width in SIZES:
        frame = image(height, width)
        actual = detector.predict(detector.encode(*detector.preprocessor(96)([frame])))
        expected = original.predict(original.encode(*original.preprocessor(96)([frame])))
        for ours, theirs in zip(actual, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_8_bits_run_at_every_size_and_stay_close(
    exported: Callable[[str], Path], original: DeformableDETR, size: tuple[int, int]
) -> None:
    pytest.importorskip("nncf")
    detector = load_model(exported("int8"), "cpu")
    assert detector.precision == "int8"
    frame = image(*size)
    scores, _ = detector.predict(detector.encode(*detector.preprocessor()([frame])))
    expected, _ = original.predict(original.encode(*original.preprocessor()([frame])))
    assert 0 < float((scores.amax() - expected.amax()).abs()) < 0.1  # queries change places among equals


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_images_of_a_batch_get_what_each_gets_alone(exported: Callable[[str], Path], runtime: str) -> None:
    detector = load_model(exported(runtime), "cpu")
    prepare = detector.preprocessor()
    for images in ([image(90, 120), image(90, 120), image(90, 120)], [image(90, 120), image(120, 90)]):
        together = detector.predict(detector.encode(*prepare(images)))
        for number, one in enumerate(images):
            alone = detector.predict(detector.encode(*prepare([one])))
            for batch, single in zip(together, alone, strict=True):
                torch.testing.assert_close(batch[number : number + 1], single, rtol=0, atol=1e-3)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_threads_share_a_detector(exported: Callable[[str], Path], runtime: str) -> None:
    detector = load_model(exported(runtime), "cpu")
    batches = [detector.preprocessor()([image(70 + 5 * number, 100)]) for number in range(6)]
    one_by_one = [detector.predict(detector.encode(*batch))[1] for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda batch: detector.predict(detector.encode(*batch))[1], batches))
    for first, second in zip(one_by_one, at_once, strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=1e-5)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_clip_is_tracked_with_an_exported_file(
    exported: Callable[[str], Path], vidtrack: Callable[..., Ended], tmp_path: Path, runtime: str
) -> None:
    clip, log = write_clip(tmp_path / "clip.mp4", Clip(frames=4)), tmp_path / "clip.tracks.jsonl"
    model = restricted(exported(runtime), tmp_path)
    command = ["detect", clip, "--model", model, "--no-video", "-o", log, "--score", 0.001]
    ended = vidtrack(*command)
    assert ended.code == 0, ended.err
    assert ended.err.splitlines()[-1] == "vidtrack: note: model tiny.safetensors: for tests only"
    assert TrackLog.load(log).header.model.name == str(model)

    assert_one_line(vidtrack(*command, "--overwrite", "--tracker", "propagation"), 2, "this model cannot carry queries")
    assert_one_line(vidtrack(*command, "--overwrite", "--classes", "giraffe"), 2, "giraffe")


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_file_says_what_it_is(exported: Callable[[str], Path], original: DeformableDETR, runtime: str) -> None:
    detector = load_model(exported(runtime), "cpu")
    assert detector.class_names == original.class_names
    assert detector.default_score == 0.3
    assert detector.precision == "float32"
    assert detector.origin.sha256 is not None and detector.origin.sha256 != original.origin.sha256
    pixels, padding = detector.preprocessor(96)([image(100, 200)])
    assert pixels.shape == (1, 96, 192, 3) and pixels.dtype == torch.uint8 and padding is None
    if runtime == "onnx":
        stored = {entry.key: entry.value for entry in onnx.load(exported("onnx")).metadata_props}
        header = json.loads(stored["vidtrack"])
        assert header["sha256"] == original.origin.sha256
        assert (header["size"], header["max_size"], header["classes"]) == (64, 160, list(original.class_names))


def test_the_graph_for_onnx_has_standard_operators_only(exported: Callable[[str], Path]) -> None:
    model = onnx.load(exported("onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert not model.functions


@pytest.mark.slow
def test_the_graph_for_tensorrt_feeds_its_plugin_what_it_asks_for(exported: Callable[[str], Path]) -> None:
    model = onnx.load(exported("tensorrt"))
    onnx.checker.check_model(model)
    plugins = [node for node in model.graph.node if node.op_type == "MultiscaleDeformableAttnPlugin_TRT"]
    layers = exports.TINY_EXPORT.encoder_layers + exports.TINY_EXPORT.decoder_layers
    assert len(plugins) == layers and "GridSample" not in {node.op_type for node in model.graph.node}
    types = {value.name: value.type.tensor_type for value in model.graph.value_info}
    float32, int32 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32
    for node in plugins:
        inputs = [types[name] for name in node.input]
        assert [one.elem_type for one in inputs] == [float32, int32, int32, float32, float32]
        assert [len(one.shape.dim) for one in inputs] == [4, 2, 1, 6, 5]
        attributes = {attribute.name: attribute.s.decode() for attribute in node.attribute}
        assert attributes == {"plugin_version": "1", "plugin_namespace": ""}


def test_the_plugin_is_given_starts_and_weights_that_its_kernel_expects() -> None:
    """The plug-in's arithmetic in numpy, on what `_plugin` hands over, gives our operator's result."""
    from vidtrack.model import onnx_export
    from vidtrack.ops import reference

    torch.manual_seed(0)
    shapes = [(6, 7), (3, 4)]
    value, locations = torch.randn(1, 54, 2, 4), torch.rand(1, 5, 2, 2, 3, 2)
    weights = torch.rand(1, 5, 2, 2, 3)
    seen = []

    def symbolic(name: str, inputs: tuple[torch.Tensor, ...], *_: object, shape: object, **__: object) -> torch.Tensor:
        seen.extend(inputs)
        return torch.zeros(tuple(shape))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx.ops, "symbolic", symbolic)
        assert onnx_export._plugin(value, shapes, locations, weights).shape == (1, 5, 8)
    value, sides, starts, locations, weights = seen
    assert sides.tolist() == [[6, 7], [3, 4]] and starts.tolist() == [0, 42]
    assert sides.dtype == starts.dtype == torch.int32
    again = reference.deformable_sampling(value, [tuple(side) for side in sides.tolist()], locations, weights)
    assert again.abs().max() > 0


def test_the_command_for_tensorrt_covers_the_size_rule() -> None:
    header = ExportHeader("tensorrt", "float32", "small", ("person",), 352, 640, 0.4, "0.1.0")
    command = trtexec_command(Path("small.tensorrt.onnx"), header)
    assert "--optShapes=images:1x352x640x3" in command and "--saveEngine=small.tensorrt.engine" in command


class TestBadInput:
    """Each mistake gets one line that names the file."""

    def test_a_file_of_another_program(self, tmp_path: Path) -> None:
        helper = onnx.helper
        value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
        same = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", [value], [same])
        path = tmp_path / "yolo.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
        with pytest.raises(WeightsError, match="no vidtrack metadata"):
            load_model(path, "cpu")

    @pytest.mark.slow
    def test_a_file_for_tensorrt(self, exported: Callable[[str], Path]) -> None:
        with pytest.raises(WeightsError, match="exported for TensorRT, which vidtrack does not run"):
            load_model(exported("tensorrt"), "cpu")

    @pytest.mark.parametrize("change", ["classes", "damaged", "format"])
    def test_metadata_that_do_not_fit(self, exported: Callable[[str], Path], tmp_path: Path, change: str) -> None:
        model = onnx.load(exported("onnx"))
        header = json.loads(model.metadata_props[0].value)
        header |= {"classes": {"classes": ["person"]}, "format": {"format": 2}}.get(change, {"size": "large"})
        model.metadata_props[0].value = json.dumps(header)
        path = tmp_path / "changed.onnx"
        onnx.save(model, path)
        reason = {
            "classes": "4 classes for 1 names",
            "format": "export format 2",
            "damaged": "damaged vidtrack metadata",
        }
        with pytest.raises(WeightsError, match=reason[change]):
            load_model(path, "cpu")

    @pytest.mark.parametrize("name", ["cut.onnx", "cut.xml", "empty.onnx", "empty.xml"])
    def test_a_damaged_file(self, exported: Callable[[str], Path], tmp_path: Path, name: str) -> None:
        whole = exported("onnx" if name.endswith("onnx") else "openvino")
        path = tmp_path / name
        path.write_bytes(whole.read_bytes()[: 5000 if name.startswith("cut") else 0])
        path.with_suffix(".bin").write_bytes(b"")
        with pytest.raises(WeightsError, match=name):
            load_model(path, "cpu")

    def test_an_openvino_model_without_its_weights(self, exported: Callable[[str], Path], tmp_path: Path) -> None:
        path = tmp_path / "tiny.xml"
        path.write_bytes(exported("openvino").read_bytes())
        with pytest.raises(WeightsError, match=r"needs its weights tiny\.bin beside it"):
            load_model(path, "cpu")

    @pytest.mark.parametrize(
        ("runtime", "options", "reason"),
        [
            ("onnx", {"prompt": ["car"]}, "does not read text"),
            ("onnx", {"precision": "float16"}, "does not run in precision 'float16'"),
            ("onnx", {"device": "cuda"}, "built without CUDA"),
            ("onnx", {"device": "tpu"}, "no device 'tpu'"),
            ("openvino", {"device": "cuda"}, "on the CPU only"),
            ("openvino", {"precision": "float8"}, "does not run in precision 'float8'"),
        ],
    )
    def test_options_that_a_runtime_lacks(
        self, exported: Callable[[str], Path], runtime: str, options: dict[str, object], reason: str
    ) -> None:
        with pytest.raises(UsageError, match=reason):
            load_model(exported(runtime), **({"device": "cpu"} | options))

    def test_an_image_too_small_for_the_queries(self, exported: Callable[[str], Path]) -> None:
        detector = load_model(exported("onnx"), "cpu")
        with pytest.raises(UsageError, match="fails at 32x32 pixels"):
            detector.encode(*detector.preprocessor(32)([image(40, 40)]))
