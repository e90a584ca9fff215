from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.model.detectors import DETECTORS, kind_of, load_model
from vidtrack.model.protocol import Origin


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (None, "deformable-detr"),
        ({"model_type": "deformable_detr"}, "deformable-detr"),
        ({"model_type": "rt_detr"}, "transformers"),
        ({"heads": 4}, "deformable-detr"),
        ([], "deformable-detr"),
    ],
)
def test_the_config_of_a_folder_says_what_loads_it(tmp_path: Path, config: Any, kind: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    assert next(entry.name for entry in DETECTORS if entry.accepts(tmp_path)) == kind


def test_a_model_knows_what_it_was_loaded_from(tiny_checkpoint: Path) -> None:
    model = load_model(tiny_checkpoint, "cpu")
    assert isinstance(model.origin, Origin)
    assert model.origin.name == str(tiny_checkpoint) and len(model.origin.sha256 or "") == 64


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("rt-detr", "transformers", "detectors"),
        ("model.onnx", "onnxruntime", "onnx"),
        ("model.xml", "openvino", "openvino"),
    ],
)
def test_a_kind_whose_package_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    path = tmp_path / name
    if path.suffix:
        path.touch()
    else:
        path.mkdir()
        (path / "config.json").write_text('{"model_type": "rt_detr"}')
    monkeypatch.delitem(sys.modules, kind_of(path).factory.partition(":")[0], raising=False)
    monkeypatch.setitem(sys.modules, package, None)  # importing it fails as if it were not installed
    with pytest.raises(UsageError, match=rf"{name} needs the {package} package \(pip install 'vidtrack\[{extra}\]'\)"):
        load_model(path, "cpu")
