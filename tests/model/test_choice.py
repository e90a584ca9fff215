from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from vidtrack.core.errors import WeightsError
from vidtrack.model.choice import ModelChoice


def test_a_choice_travels_and_loads_the_model_that_it_names(tiny_checkpoint: Path) -> None:
    choice = pickle.loads(pickle.dumps(ModelChoice(str(tiny_checkpoint), "cpu", "float32")))
    model = choice.load()
    assert (model.origin.name, str(model.device), model.precision) == (str(tiny_checkpoint), "cpu", "float32")
    with pytest.raises(WeightsError, match="unknown model 'nonesuch'"):
        ModelChoice("nonesuch").load()
