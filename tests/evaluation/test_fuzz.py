"""Random ground truth and results, scored by vidtrack and by pycocotools and TrackEval themselves."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

from vidtrack.evaluation.coco_truth import read_results, read_truth
from vidtrack.evaluation.detection import score_detections
from vidtrack.evaluation.ignoring import Rules
from vidtrack.evaluation.pairs import Choices
from vidtrack.evaluation.runner import evaluate

DETECTION_FILES = 150
SEQUENCES = 60  # of each benchmark


def coco_files(folder: Path, seed: int) -> tuple[Path, Path]:
    """Annotations and results with tied scores, unsorted ids, boxes and areas of 0, crowds and every size."""
    rng = np.random.default_rng(seed)
    ids: list[Any] = rng.choice(1000, rng.integers(1, 6), replace=False).tolist()
    if seed % 3 == 0:
        ids = [f"image{one}" for one in ids]
    categories = rng.choice(90, rng.integers(1, 4), replace=False).tolist()

    def box() -> list[float]:
        side = rng.choice([0, 4, 32, 96, 150])
        return [float(v) for v in (*rng.integers(0, 60, 2), side, rng.choice([side, 32, 40]))]

    annotations = []
    for number in rng.permutation(int(rng.integers(1, 25))) + 1:
        xywh = box()
        annotations.append(
            {
                "id": int(number),
                "image_id": rng.choice(np.array(ids, object)),
                "category_id": int(rng.choice(categories)),
                "bbox": xywh,
                "area": float(rng.choice([0, xywh[2] * xywh[3], 32**2, 96**2])),
                "iscrowd": int(number > 1 and rng.random() < 0.15),
            }
        )
    results = []
    for _ in range(int(rng.integers(1, 60))):
        near = annotations[rng.integers(len(annotations))]
        xywh = [v + float(rng.choice([0, 0, 1, 7])) for v in near["bbox"]] if rng.random() < 0.7 else box()
        image = near["image_id"] if rng.random() < 0.8 else rng.choice(np.array(ids, object))
        score = float(rng.integers(1, 6)) / 5
        results.append({"image_id": image, "category_id": near["category_id"], "bbox": xywh, "score": score})
    annotations[0]["iscrowd"] = 0
    truth, found = folder / "truth.json", folder / "results.json"
    images = [{"id": one, "file_name": f"{one}.jpg", "width": 200, "height": 200} for one in ids]
    named = [{"id": one, "name": f"class {one}"} for one in categories]
    truth.write_text(json.dumps({"images": images, "annotations": annotations, "categories": named}))
    found.write_text(json.dumps(results))
    return truth, found


def by_pycocotools(truth: Path, results: Path) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO(str(truth))
        run = COCOeval(annotated, annotated.loadRes(str(results)), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [float(run.stats[n]) for n in (0, 1, 2, 3, 4, 5, 8)]


@pytest.mark.parametrize("seed", range(0, DETECTION_FILES, 10))
def test_detections_score_as_in_pycocotools(tmp_path: Path, seed: int) -> None:
    for number in range(seed, seed + 10):
        files = coco_files(tmp_path, number)
        truth = read_truth(files[0])
        rows, _ = read_results(files[1], truth)
        means = score_detections(truth.dataset, rows, truth.labelled).means()
        ours = [-1.0 if np.isnan(value) else value for value in means.values()]
        assert ours == pytest.approx(by_pycocotools(*files), abs=1e-12), f"seed {number}"


def mot_sequence(rng: np.random.Generator, benchmark: str) -> tuple[str, str]:
    """Rows of ground truth and result with ids in disorder, fractions in column 7, IoU of one half, silent frames."""
    frames = 8
    classes = [1, 1, 1, 2, 7, 8, 12, 6, 3]
    truth, result = [], []
    for identity in rng.choice(50, rng.integers(1, 6), replace=False) + 1:
        kind = 1 if benchmark == "MOT15" else int(rng.choice(classes))
        left, top = (int(v) for v in rng.integers(0, 60, 2))
        shown = int(identity) + 100
        for frame in range(1, frames + 1):
            if rng.random() < 0.2:
                continue
            left, top = left + int(rng.integers(-4, 5)), top + int(rng.integers(-4, 5))
            counts = rng.choice(["1", "1", "1", "0", "0.4"])
            extra = "-1,-1,-1" if benchmark == "MOT15" else f"{kind},1"
            truth.append(f"{frame},{identity},{left},{top},20,30,{counts},{extra}")
            if rng.random() < 0.8:
                shown += int(rng.random() < 0.1) * 100
                shift = float(rng.choice([0, 0, 3, 10, 20 / 3]))  # of 20 pixels: IoU of 1/3 and of 1/2
                result.append(f"{frame},{shown},{left + shift!r},{top},20,30,{rng.random():.2f},-1,-1,-1")
    truth.append("1,99,0,0,20,30,1," + ("-1,-1,-1" if benchmark == "MOT15" else "1,1"))
    rng.shuffle(truth)
    rng.shuffle(result)
    return "\n".join(truth) + "\n", "\n".join(result) + "\n"


@pytest.mark.parametrize("benchmark, rules", [("MOT15", Rules.MOT15), ("MOT17", Rules.MOT17), ("MOT20", Rules.MOT20)])
def test_tracks_score_as_in_trackeval(tmp_path: Path, benchmark: str, rules: Rules) -> None:
    rng = np.random.default_rng(7)
    names = [f"{benchmark}-{number:02d}" for number in range(SEQUENCES)]
    for name in names:
        truth, result = mot_sequence(rng, benchmark)
        for path, text in ((f"gt/{benchmark}-train/{name}/gt/gt.txt", truth), (f"trackers/t/data/{name}.txt", result)):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        info = "[Sequence]\nseqLength=8\nframeRate=10\nimWidth=200\nimHeight=200\n"
        (tmp_path / f"gt/{benchmark}-train/{name}/seqinfo.ini").write_text(info)
    config = {
        "GT_FOLDER": str(tmp_path / "gt"),
        "TRACKERS_FOLDER": str(tmp_path / "trackers"),
        "TRACKERS_TO_EVAL": ["t"],
        "BENCHMARK": benchmark,
        "SPLIT_TO_EVAL": "train",
        "SKIP_SPLIT_FOL": False,
        "SEQ_INFO": dict.fromkeys(names, 8),
        "PRINT_CONFIG": False,
    }
    (tmp_path / f"trackers/{benchmark}-train").mkdir(parents=True)
    (tmp_path / "trackers/t").rename(tmp_path / f"trackers/{benchmark}-train/t")
    dataset = MotChallenge2DBox(config)
    quiet = {"PRINT_CONFIG": False}
    ours = evaluate(tmp_path / f"gt/{benchmark}-train", tmp_path / f"trackers/{benchmark}-train/t", Choices(rules)).rows
    for name in names:
        with contextlib.redirect_stdout(io.StringIO()):
            data = dataset.get_preprocessed_seq_data(dataset.get_raw_seq_data("t", name), "pedestrian")
        hota, clear, identity = (metric.eval_sequence(data) for metric in (HOTA(), CLEAR(quiet), Identity(quiet)))
        own = ours[name]
        assert own.hota_alphas == pytest.approx(hota["HOTA"].tolist(), abs=1e-12), name
        assert (own.assa, own.deta) == pytest.approx((hota["AssA"].mean(), hota["DetA"].mean()), abs=1e-12), name
        assert (own.mota, own.motp) == pytest.approx((clear["MOTA"], clear["MOTP"]), abs=1e-12), name
        counts = (own.switches, own.fragments, own.false_positives, own.false_negatives, own.mostly_tracked)
        assert counts == tuple(clear[key] for key in ("IDSW", "Frag", "CLR_FP", "CLR_FN", "MT")), name
        assert own.idf1 == pytest.approx(identity["IDF1"], abs=1e-12), name
