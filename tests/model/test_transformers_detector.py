"""Every family of transformers, made by its own code with random weights, through our pipeline and our operator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers")

from tests.model import families  # noqa: E402
from tests.model.families import saved_once  # noqa: E402
from vidtrack import load_model  # noqa: E402
from vidtrack.core.errors import UsageError, WeightsError  # noqa: E402
from vidtrack.model.compiled_attention import use_compiled_attention  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
SIZE = (90, 60)
ALL = np.ones(3, dtype=bool)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return saved_once(families.save, tmp_path_factory.mktemp("families"))


@pytest.mark.parametrize("family", families.FAMILIES)
def test_results_are_those_of_transformers_alone(family: str, folder: Callable[[str], Path]) -> None:
    path = folder(family)
    detector = load_model(path, "cpu")
    theirs = transformers.AutoModelForObjectDetection.from_pretrained(path).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(path)
    batch = processor([IMAGE], return_tensors="pt")
    with torch.inference_mode():
        outputs = theirs(pixel_values=batch["pixel_values"])
    memory = detector.encode(*detector.preprocessor()([IMAGE]))
    scores, boxes = detector.predict(memory)
    logits = outputs.logits
    expected = logits.softmax(-1)[..., :-1] if family == "yolos" else logits.sigmoid()
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(boxes, outputs.pred_boxes, rtol=0, atol=1e-4)
    assert detector.class_names == families.CLASSES

    # and each detection is among what the family's own post-processing lists
    best = float(scores.amax())
    ours = detector.detect(memory, SIZE, best * 0.9, ALL)
    listed = processor.post_process_object_detection(outputs, threshold=best * 0.8, target_sizes=[SIZE[::-1]])[0]
    assert len(ours) > 0
    for box, score, label in zip(ours.boxes_xyxy, ours.scores, ours.classes, strict=True):
        edges = listed["boxes"].numpy().clip(0, SIZE * 2)
        same = np.abs(edges - box).max(1) < 0.05
        assert (same & np.isclose(listed["scores"], score, atol=1e-3) & (listed["labels"].numpy() == label)).any()


@pytest.mark.parametrize("family", [name for name, (*_, count) in families.FAMILIES.items() if count])
def test_every_deformable_attention_runs_through_our_operator(
    family: str, folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = transformers.AutoModelForObjectDetection.from_pretrained(folder(family)).eval()
    pixels = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        before = model(pixel_values=pixels)
        assert use_compiled_attention(model) == families.FAMILIES[family][3]
        monkeypatch.setattr(torch.nn.functional, "grid_sample", None)  # theirs would call it
        after = model(pixel_values=pixels)
    torch.testing.assert_close(after.logits, before.logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(after.pred_boxes, before.pred_boxes, rtol=0, atol=1e-4)
    assert before.logits.std() > 0.05


def test_frames_encoded_side_by_side_or_in_a_batch_have_the_same_results(folder: Callable[[str], Path]) -> None:
    detector = load_model(folder("d-fine"), "cpu")
    prepare = detector.preprocessor()
    images = [np.roll(IMAGE, shift, axis=1) for shift in range(4)]
    alone = [detector.predict(detector.encode(*prepare([image]))) for image in images]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda image: detector.predict(detector.encode(*prepare([image]))), images))
    together = detector.encode(*prepare(images))
    for number, (scores, boxes) in enumerate(alone):
        assert torch.equal(beside[number][0], scores) and torch.equal(beside[number][1], boxes)
        torch.testing.assert_close(detector.predict(together[number : number + 1])[0], scores, rtol=0, atol=1e-4)


def test_size_replaces_the_shorter_side(folder: Callable[[str], Path]) -> None:
    assert load_model(folder("dab-detr"), "cpu").preprocessor(48)([IMAGE])[0].shape == (1, 3, 48, 72)
    square = load_model(folder("d-fine"), "cpu")
    assert square.preprocessor(96)([IMAGE])[0].shape == (1, 3, 96, 96)
    with pytest.raises(UsageError, match="size is 8"):
        square.preprocessor(8)


def test_a_size_that_the_model_cannot_take_is_one_line(folder: Callable[[str], Path]) -> None:
    detector = load_model(folder("rf-detr"), "cpu")
    with pytest.raises(UsageError, match="fails at 40x40 pixels"):
        detector.encode(*detector.preprocessor(40)([IMAGE]))


def test_16_bits_are_close_to_32(folder: Callable[[str], Path]) -> None:
    pixels = load_model(folder("rf-detr"), "cpu").preprocessor()([IMAGE])[0]
    full, half = (load_model(folder("rf-detr"), "cpu", bits) for bits in ("float32", "bfloat16"))
    assert (full.precision, half.precision) == ("float32", "bfloat16")
    scores, rough = (detector.predict(detector.encode(pixels))[0] for detector in (full, half))
    assert (scores - rough).abs().median() < 0.02


def _changed(source: Path, target: Path, **values: object) -> Path:
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, **values}))
    return target


def test_a_folder_that_is_no_detector_is_one_line(folder: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"not an object detector .* model_type 'bert'"):
        load_model(_changed(folder("yolos"), tmp_path / "bert", model_type="bert"), "cpu")
    with pytest.raises(WeightsError, match=r"cannot load .*/broken: "):
        load_model(_changed(folder("yolos"), tmp_path / "broken", hidden_size="wide"), "cpu")


def test_weights_that_a_file_lacks_are_not_made_up(folder: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="lacks weights that its config asks for: bbox_embed"):
        load_model(_changed(folder("d-fine"), tmp_path / "deeper", decoder_layers=3), "cpu")
    with pytest.raises(WeightsError, match="lacks weights that its config asks for: class_labels_classifier"):
        wider = {"id2label": {0: "person"}, "label2id": {"person": 0}}
        load_model(_changed(folder("conditional-detr"), tmp_path / "narrower", **wider), "cpu")


def test_a_prompt_for_a_model_with_classes_is_one_line(folder: Callable[[str], Path]) -> None:
    for model in (folder("yolos"), "default"):
        with pytest.raises(UsageError, match="does not read text"):
            load_model(model, "cpu", prompt=["red car"])
