"""The emulated warp does as CUDA says, and names what CUDA leaves undefined."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch


def launch(library: Path, kernel: str) -> tuple[list[float], str]:
    """Output of one warp of a kernel of `emulation/kernels.cu`, and the error."""
    function = ctypes.CDLL(str(library)).launch_kernel
    function.restype = ctypes.c_char_p
    output = torch.zeros(32)
    error = function(kernel.encode(), ctypes.c_void_p(output.data_ptr()))
    return output.tolist(), error.decode()


def test_halves_of_a_warp_shuffle_apart_and_meet_again(emulated: Path) -> None:
    output, error = launch(emulated, "halves_shuffle_apart")
    sums = [4 * (lane // 4 * 4) + 6 for lane in range(16)]
    assert not error and output == [number + 6 for number in (*sums, *[31] * 16)]


def test_a_width_splits_the_warp_into_segments(emulated: Path) -> None:
    output, error = launch(emulated, "segments")
    fourth = [lane ^ 12 if lane ^ 12 < lane // 8 * 8 + 8 else lane for lane in range(32)]
    assert not error and output == [100 * (lane // 8 * 8 + 1) + fourth[lane] for lane in range(32)]


def test_a_barrier_carries_shared_memory_from_lane_to_lane(emulated: Path) -> None:
    assert launch(emulated, "passes_through_shared_memory") == ([31.0 - lane for lane in range(32)], "")


def test_without_a_barrier_the_other_lanes_see_nothing(emulated: Path) -> None:
    output, error = launch(emulated, "lacks_a_barrier")
    assert not error and all(number != number for number in output)


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        ("writes_one_word_twice", "lane 1 and another lane wrote the same word of shared memory"),
        ("reads_a_lane_outside_the_mask", "lane 0 reads from lane 20, which takes no part"),
        ("reads_a_lane_that_returned", "lane 2 reads from lane 3, which takes no part"),
        ("is_outside_its_own_mask", "lane 16 is not in its own mask"),
        ("diverges_with_a_full_mask", "lane 0 waits for lanes that never make the same call"),
        ("adds_at_a_misaligned_address", "lane 0 adds at a misaligned address"),
        ("reads_at_a_misaligned_address", "lane 0 reads or writes at a misaligned address"),
    ],
)
def test_what_cuda_leaves_undefined_is_an_error(emulated: Path, kernel: str, said: str) -> None:
    assert launch(emulated, kernel)[1].startswith(said)
