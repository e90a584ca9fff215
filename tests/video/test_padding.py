from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vidtrack.video.padding import MARGIN_BYTES, padded_size, with_margin


@pytest.mark.skipif(sys.platform != "linux", reason="protects a page of memory")
def test_swscale_reads_no_further_than_the_margin() -> None:
    """Without one it crashed now and then, at widths that are no multiple of 32."""
    script = Path(__file__).with_name("guarded.py")
    ended = subprocess.run([sys.executable, script, "margin"], cwd=Path(__file__).parents[2], capture_output=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("size", [(242, 90), (241, 89), (240, 89)])
def test_pictures_have_a_margin_in_memory_and_even_sizes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    even = padded_size(size, "yuv420p")
    padded = with_margin(image[:, ::-1], even)
    assert padded.base is not None
    assert padded.base.nbytes == padded.nbytes + MARGIN_BYTES
    wider = ((0, even[1] - size[1]), (0, even[0] - size[0]), (0, 0))
    np.testing.assert_array_equal(padded, np.pad(image[:, ::-1], wider, mode="edge"))
