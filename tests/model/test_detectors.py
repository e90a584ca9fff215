from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.model.detectors import DETECTORS, LoadOptions, load_model
from vidtrack.model.protocol import Origin
from vidtrack.model.registry import locate


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


def test_a_kind_whose_package_is_missing_says_what_to_install(tiny_checkpoint: Path) -> None:
    kind = replace(DETECTORS[0], factory="no_such_package.detector:load")
    with pytest.raises(UsageError, match=r"needs the no_such_package package \(pip install 'vidtrack\[detectors\]'\)"):
        kind.load(locate(tiny_checkpoint), LoadOptions())
