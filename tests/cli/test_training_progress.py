"""Progress of `vidtrack train`."""

from __future__ import annotations

import pytest


def test_a_set_of_any_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    from vidtrack.cli.training_progress import TrainingProgress

    with TrainingProgress(4, quiet=False) as show:
        show({"step": 2, "evaluation": {"[/red]\x1b[2Jcats": {"ap50": 0.5}}})
    assert r"step 2 of 4  validation AP50 [/red]\u001b[2Jcats 0.500" in capsys.readouterr().err
