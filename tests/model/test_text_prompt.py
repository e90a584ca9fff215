"""Detectors that read text: one class per phrase, whatever form the family answers in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

transformers = pytest.importorskip("transformers")

from tests.conftest import Ended  # noqa: E402
from tests.media import EXAMPLE_CLIP  # noqa: E402
from tests.model import text_families as families  # noqa: E402
from tests.model.families import saved_once  # noqa: E402
from vidtrack import TrackLog, load_model  # noqa: E402
from vidtrack.core.errors import UsageError  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
PHRASES = ("red car", "bicycle helmet", "dog")
ALL = np.ones(3, dtype=bool)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return saved_once(families.save, tmp_path_factory.mktemp("families"))


@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_phrase_is_a_class_with_the_score_that_the_model_gives_it(
    family: str, folder: Callable[[str], Path]
) -> None:
    path = folder(family)
    detector = load_model(path, "cpu", prompt=PHRASES)
    assert detector.class_names == PHRASES
    memory = detector.encode(*detector.preprocessor()([IMAGE]))
    scores, boxes = detector.predict(memory)

    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(path).eval()
    processor = transformers.AutoProcessor.from_pretrained(path)
    inputs = processor(images=[IMAGE], text=[list(PHRASES)], return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    if family == "owlv2":
        expected, raw = outputs.logits.sigmoid(), outputs.pred_boxes * torch.tensor([1, 90 / 60, 1, 90 / 60])
    elif family == "omdet-turbo":
        expected, raw = outputs.decoder_class_logits.sigmoid(), outputs.decoder_coord_logits
    else:  # [CLS] red car . bicycle helmet . dog . [SEP]
        tokens = outputs.logits.sigmoid()
        expected = torch.stack([tokens[..., 1:3].amax(-1), tokens[..., 4:6].amax(-1), tokens[..., 7]], -1)
        raw = outputs.pred_boxes
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)
    rounded = 2e-2 if family == "owlv2" else 1e-4  # the mask of what was padded to a square has whole pixels
    torch.testing.assert_close(boxes, raw, rtol=0, atol=rounded)


def test_a_batch_has_the_results_of_its_images(folder: Callable[[str], Path]) -> None:
    for family in families.FAMILIES:
        detector = load_model(folder(family), "cpu", prompt=PHRASES)
        images = [IMAGE, IMAGE[::-1].copy()]
        together = detector.encode(*detector.preprocessor()(images))
        for number, image in enumerate(images):
            alone = detector.predict(detector.encode(*detector.preprocessor()([image])))
            for one, other in zip(detector.predict(together[number : number + 1]), alone, strict=True):
                torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


def test_overlapping_boxes_of_a_phrase_are_dropped_where_the_authors_do_so(folder: Callable[[str], Path]) -> None:
    detector = load_model(folder("omdet-turbo"), "cpu", prompt=PHRASES)
    found = detector.detect(detector.encode(*detector.preprocessor()([IMAGE])), (90, 60), 0.0, ALL)
    assert 0 < len(found)
    for first in range(len(found)):
        for second in range(first):
            if found.classes[first] == found.classes[second]:
                a, b = found.boxes_xyxy[first], found.boxes_xyxy[second]
                inside = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
                assert inside <= 0.5 * ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inside) + 1e-9


def test_a_clip_is_tracked_by_text(
    folder: Callable[[str], Path], vidtrack: Callable[..., Ended], tmp_path: Path
) -> None:
    log = tmp_path / "bikes.tracks.jsonl"
    ended = vidtrack(
        "detect", EXAMPLE_CLIP, "-o", log, "--no-video", "--end", "0.2", "--score", "0.05", "--device", "cpu",
        "--tracker", "association", "-m", folder("grounding-dino"), "--prompt", "red  car,bicycle helmet,red car",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    read = TrackLog.load(log)
    assert read.header.model.classes == ("red car", "bicycle helmet")
    assert len(read.ids) > 0


def test_bad_prompts_are_one_line(folder: Callable[[str], Path]) -> None:
    path = folder("grounding-dino")
    wrong = {
        None: "finds what a text names",
        ("a car. a dog",): "has a full stop",
        ("zzz",): "no word of 'zzz'",
        ("red car",) * 200: "tokens; this model reads 256",
    }
    for prompt, said in wrong.items():
        with pytest.raises(UsageError, match=said):
            load_model(path, "cpu", prompt=prompt)
