from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint_export import write_official
from vidtrack.model.detector import DeformableDETR

SMALL = replace(TINY_PAPER, decoder_layers=1, num_classes=2, classes=("cat", "dog"))


def test_our_extensions_do_not_fit_the_official_layout(tmp_path: Path) -> None:
    model = DeformableDETR(replace(SMALL, box_refine=True, two_stage=True, mixed_query_selection=True))
    with pytest.raises(WeightsError, match=r"no place for content_embed\.weight"):
        write_official(model, tmp_path / "m.pth")
    assert not (tmp_path / "m.pth").exists()
