from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from vidtrack.core.errors import UsageError
from vidtrack.training.distributed import World, device
from vidtrack.training.recipe import TrainConfig

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from vidtrack.training.recipe import config_from_dict
from vidtrack.training.loop import Run
out = Path(sys.argv[2])
run = Run(config_from_dict(json.loads(Path(sys.argv[1]).read_text())), out, False, lambda line: None)
before = run.model.level_embed.detach().clone()
run.steps(float("inf"))
state = run.model.state_dict()
sums = {name: value.double().sum().item() for name, value in state.items()}
moved = (state["level_embed"] - before).abs().max().item()
(out / f"rank-{run.world.rank}.json").write_text(json.dumps({"sums": sums, "moved": moved}))
import torch.distributed as dist
dist.destroy_process_group()
"""


@pytest.mark.parametrize(("name", "said"), [("toaster", "unknown device 'toaster'"), ("cuda:99", "does not exist")])
def test_a_device_that_is_not_there_is_named(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        device(name, World())


def test_two_processes_train_one_model(recipe: TrainConfig, tmp_path: Path) -> None:
    """As torchrun starts them; both read all data, so they draw different images and must agree on the weights.

    Of an image without boxes some parameters get no gradient.
    """
    steps = 4
    leave_boxes_in_one_picture(Path(recipe.data.train[0].path))
    recipe = replace(recipe, batch=1)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(replace(recipe, steps=steps).to_dict()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        **os.environ,
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), str(tmp_path / "run")],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    first, second = (json.loads((tmp_path / "run" / f"rank-{rank}.json").read_text()) for rank in range(2))
    assert first == second
    assert first["moved"] > 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, steps + 1))


def leave_boxes_in_one_picture(path: Path) -> None:
    values = json.loads(path.read_text())
    first = values["images"][0]["id"]
    values["annotations"] = [row for row in values["annotations"] if row["image_id"] == first]
    path.write_text(json.dumps(values))
