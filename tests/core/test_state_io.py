from __future__ import annotations

import hashlib
import io
import json
import pickle
import random
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from vidtrack.core.state_io import (
    SCHEMA,
    BrokenStateError,
    PackedFrames,
    pack,
    pack_frames,
    unpack,
    unpack_frames,
)
from vidtrack.core.types import FrameTracks


def frame(index: int, count: int) -> FrameTracks:
    rng = np.random.default_rng(index)
    return FrameTracks(
        index,
        3 * index,
        Fraction(1, 90000),
        np.arange(1, count + 1),
        rng.integers(0, 5, count),
        rng.random(count, np.float32),
        rng.random((count, 4), np.float32),
        np.zeros(count, np.int64),
    )


def test_everything_comes_back_to_the_bit() -> None:
    state = {
        "number": 7,
        "third": 1 / 3,
        "nothing": None,
        "list": [1, 2.5, [True, "name"]],
        "arrays": {"wide": np.random.default_rng(0).random((3, 4)), "empty": np.zeros((0, 4), np.float32)},
    }
    again = unpack(pack(state))
    assert {key: again[key] for key in ("number", "third", "nothing", "list")} == {
        key: state[key] for key in ("number", "third", "nothing", "list")
    }
    for name, array in state["arrays"].items():  # type: ignore[attr-defined]
        assert again["arrays"][name].dtype == array.dtype
        assert again["arrays"][name].tobytes() == array.tobytes()
        assert again["arrays"][name].shape == array.shape


def packed_and_back(frames: list[FrameTracks]) -> list[FrameTracks]:
    return unpack_frames(msgspec.convert(unpack(pack({"held": pack_frames(frames)}))["held"], PackedFrames))


def test_frames_come_back() -> None:
    frames = [frame(0, 3), frame(1, 0), frame(5, 2)]
    again = packed_and_back(frames)
    assert [(f.index, f.pts, f.time_base, len(f)) for f in again] == [
        (f.index, f.pts, f.time_base, len(f)) for f in frames
    ]
    assert all(
        (a.boxes_xyxy == b.boxes_xyxy).all() and (a.scores == b.scores).all()
        for a, b in zip(again, frames, strict=True)
    )
    assert packed_and_back([]) == []


def test_bytes_that_changed_are_refused() -> None:
    data = pack({"frames": pack_frames([frame(0, 3)])})
    rng = random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        with pytest.raises(BrokenStateError):
            unpack(bytes(changed))
    for length in range(0, len(data), 37):
        with pytest.raises(BrokenStateError):
            unpack(data[:length])


def test_a_state_cannot_run_code() -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return pytest.fail, ("code was run",)

    objects = io.BytesIO()
    np.save(objects, np.array([Evil()], dtype=object), allow_pickle=True)
    for body in (pickle.dumps(Evil()), objects.getvalue()):
        head = json.dumps({"schema": SCHEMA, "sha256": hashlib.sha256(body).hexdigest()}).encode()
        with pytest.raises(BrokenStateError):
            unpack(head + b"\n" + body)


def test_another_version_says_so() -> None:
    with pytest.raises(BrokenStateError, match=r"format is 'vidtrack.resume/9'"):
        unpack(pack({}).replace(SCHEMA.encode(), b"vidtrack.resume/9"))
