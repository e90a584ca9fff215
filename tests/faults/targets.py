"""What is attacked: each target makes one damaged input from a seed, and says through which entry point it comes in."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import material, pickles
from tests.faults.mutate_bytes import damage_bytes, damage_matroska, damage_mp4
from tests.faults.mutate_text import damage_json, damage_lines, damage_table, dumped

_QUIET = ("--progress", "none")


@dataclass(frozen=True)
class Attack:
    """A call of `forkserver.CALLS` with its arguments."""

    call: str
    arguments: tuple[str, ...]


class Material:
    """Undamaged files of all kinds, made once."""

    def __init__(self, folder: Path) -> None:
        self.clips = material.clips(folder / "clips")
        self.pictures = material.pictures()
        self.clip = folder / "clips" / "h264.mp4"
        self.log = material.log_of(self.clip, folder)
        self.checkpoints = material.checkpoints(folder / "weights")
        self.model = folder / "weights" / "own.safetensors"
        self.recipe = material.recipe()
        self.manifest = material.manifest(folder)


Maker = Callable[[Material, random.Random, Path], Attack]


def damaged_clip(made: Material, rng: random.Random, folder: Path) -> Path:
    name = rng.choice(list(made.clips))
    data = made.clips[name]
    structured = {".mp4": damage_mp4, ".mov": damage_mp4, ".mkv": damage_matroska, ".webm": damage_matroska}
    damage = structured.get(Path(name).suffix)
    if damage is not None and rng.random() < 0.6:
        data = damage(data, rng)
    else:
        data = damage_bytes(data, rng, list(made.clips.values()))
    path = folder / name
    path.write_bytes(data)
    return path


def probe(made: Material, rng: random.Random, folder: Path) -> Attack:
    return Attack("command", ("probe", str(damaged_clip(made, rng, folder))))


def read(made: Material, rng: random.Random, folder: Path) -> Attack:
    start, stride = rng.choice(("0", "0", "0", "0.1", "0.25")), rng.choice(("1", "1", "3"))
    return Attack("read_video", (str(damaged_clip(made, rng, folder)), start, stride))


def detect(made: Material, rng: random.Random, folder: Path) -> Attack:
    path = damaged_clip(made, rng, folder)
    further = rng.choice(((), ("--no-video",), ("--smooth", "0.2"), ("--fill-gaps", "0.2"), ("--start", "0.1")))
    return _detection(made, folder, path, *further)


def sequence(made: Material, rng: random.Random, folder: Path) -> Attack:
    kind = rng.choice(list(made.pictures))
    for number in range(4):
        data = made.pictures[kind if rng.random() < 0.8 else rng.choice(list(made.pictures))]
        if rng.random() < 0.6:
            data = damage_bytes(data, rng, list(made.pictures.values()))
            if kind == "png" and rng.random() < 0.5:
                data = with_right_checksums(data)
        (folder / f"img_{number}.{kind}").write_bytes(data)
    return _detection(made, folder, rng.choice((folder, folder / f"img_%d.{kind}")))


def _detection(made: Material, folder: Path, path: Path, *further: str) -> Attack:
    out = f"{folder.parent / 'out'}/"
    return Attack(
        "command", ("detect", str(path), "--model", str(made.model), "--score", "0.3", "-o", out, *_QUIET, *further)
    )


def manifest(made: Material, rng: random.Random, folder: Path) -> Attack:
    """What an earlier batch remembered, in the output folder of a batch of two clips."""
    place = folder.parent / "out/vidtrack-batch"
    place.mkdir(parents=True)
    (place / "manifest.sqlite").write_bytes(damage_bytes(made.manifest, rng))
    for name in "ab":
        (folder / f"{name}.mp4").write_bytes(made.clips["h264.mp4"])
    return _detection(made, folder, folder, "--no-video")


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose damaged chunks pass the check of their sums, so that what lies behind it is reached."""
    fixed, at = data[:8], 8
    while at + 12 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        body = data[at + 4 : at + 8 + size]
        if at + 12 + size > len(data):
            break
        fixed += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + size
    return fixed + data[at:]


def damaged_log(made: Material, rng: random.Random, folder: Path) -> Path:
    kind = rng.choice((".jsonl", ".jsonl", ".jsonl", ".json", ".jsonl.gz"))
    if kind == ".json":
        data = dumped(damage_json([json.loads(line) for line in made.log.splitlines()], rng))
    else:
        data = damage_lines(made.log, rng).encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        data = damage_bytes(data, rng)
    if kind.endswith(".gz"):
        data = gzip.compress(data, 1)
        data = damage_bytes(data, rng) if rng.random() < 0.5 else data
    path = folder / f"clip.tracks{kind}"
    path.write_bytes(data)
    return path


def validate(made: Material, rng: random.Random, folder: Path) -> Attack:
    return Attack("command", ("validate", str(damaged_log(made, rng, folder))))


def show(made: Material, rng: random.Random, folder: Path) -> Attack:
    return Attack("command", ("show", str(damaged_log(made, rng, folder)), *rng.choice(((), ("--json",)))))


def count(made: Material, rng: random.Random, folder: Path) -> Attack:
    out = folder.parent / "out" / "counted.tracks.jsonl"
    places = ("--line", "gate=10,0,10,60", "--zone", "yard=0%,0%,50%,0%,50%,100%", "-o", str(out))
    return Attack("command", ("count", str(damaged_log(made, rng, folder)), *rng.choice((places, places, ()))))


def edit(made: Material, rng: random.Random, folder: Path) -> Attack:
    out = str(folder.parent / "out" / "edited.tracks.jsonl")
    what = ("drop 1", "relabel 1 --class car", "split 1 --at 0.1", "split 2 --at 0.2")
    name, *further = rng.choice(what).split()
    return Attack("command", (name, str(damaged_log(made, rng, folder)), *further, "-o", out))


def export(made: Material, rng: random.Random, folder: Path) -> Attack:
    wanted = ",".join(rng.sample(_all_exports(), 4))
    further = rng.choice(((), (), ("--conform-fps", "24"), ("--fps", "30000/1001"), ("--smooth", "0.2")))
    out = str(folder.parent / "out")
    return Attack("command", ("export", str(damaged_log(made, rng, folder)), "--to", wanted, "-o", out, *further))


def _all_exports() -> list[str]:
    from vidtrack.export.registry import FORMATS

    return [entry.name for entry in FORMATS]


def render(made: Material, rng: random.Random, folder: Path) -> Attack:
    out = f"{folder.parent / 'out'}/"
    what = rng.choice(((), ("--blur",), ("--stills",), ("--matte", "luma"), ("--crop-track", "1"), ("--clips",)))
    if rng.random() < 0.7:
        log, clip = damaged_log(made, rng, folder), made.clip
    else:
        log, clip = folder / "clip.tracks.jsonl", damaged_clip(made, rng, folder)
        log.write_text(made.log, "utf-8")
    return Attack("command", ("render", str(log), str(clip), "-o", out, "--force", *what, *_QUIET))


def report(made: Material, rng: random.Random, folder: Path) -> Attack:
    out = str(folder.parent / "out" / "page.html")
    log = str(damaged_log(made, rng, folder))
    return Attack("command", ("report", log, str(made.clip), "-o", out, "--force", *_QUIET))


def checkpoint(made: Material, rng: random.Random, folder: Path) -> Attack:
    name = rng.choice(("own.safetensors", "own.safetensors", "zip.pth", "old.pth"))
    data = made.checkpoints[name]
    if name.endswith(".safetensors") and rng.random() < 0.75:
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + size])
        if rng.random() < 0.6:
            own = damage_json(json.loads(header["__metadata__"]["vidtrack"]), rng)
            header["__metadata__"]["vidtrack"] = json.dumps(own)
        else:
            header = damage_json(header, rng)
        packed = dumped(header)
        data = struct.pack("<Q", len(packed)) + packed + data[8 + size :]
    else:
        data = damage_bytes(data, rng, list(made.checkpoints.values()))
    path = folder / name
    path.write_bytes(data)
    return Attack("load_model", (str(path),))


def harmful_pickle(made: Material, rng: random.Random, folder: Path) -> Attack:
    path = folder / "weights.pth"
    path.write_bytes(pickles.bomb(rng) if rng.random() < 0.3 else pickles.harmful(folder / "witness", rng))
    return Attack("load_model", (str(path),))


def hugging_face(made: Material, rng: random.Random, folder: Path) -> Attack:
    """A folder whose files disagree, name others, or are damaged."""
    config = damage_json(json.loads(made.checkpoints["config.json"]), rng)
    (folder / "config.json").write_bytes(dumped(config))
    names = ["model.safetensors"]
    if rng.random() < 0.5:
        names = ["a.safetensors", "b.safetensors"]
        index = {"weight_map": {"x": names[0], "y": names[1]}}
        (folder / "model.safetensors.index.json").write_bytes(dumped(damage_json(index, rng)))
    for name in names:
        (folder / name).write_bytes(made.checkpoints["model.safetensors"])
    return Attack("load_model", (str(folder),))


def recipe(made: Material, rng: random.Random, folder: Path) -> Attack:
    data = dumped(damage_json(made.recipe, rng))
    if rng.random() < 0.15:
        data = damage_bytes(data, rng)
    path = folder / "recipe.json"
    path.write_bytes(data)
    return Attack("load_recipe", (str(path),))


def training_data(made: Material, rng: random.Random, folder: Path) -> Attack:
    """Annotations as `vidtrack data check` reads them."""
    truth = material.coco_truth()
    if rng.random() < 0.5:
        truth = damage_json(truth, rng)
    (folder / "train.json").write_bytes(dumped(truth))
    for number in (1, 2, 3):
        data = made.pictures["png"]
        (folder / f"{number}.png").write_bytes(damage_bytes(data, rng) if rng.random() < 0.3 else data)
    (folder / "seq/gt").mkdir(parents=True)
    (folder / "seq/gt/gt.txt").write_text(damage_table(material.mot_table(), rng), "utf-8")
    (folder / "seq/seqinfo.ini").write_text("[Sequence]\nname=seq\nframeRate=25\nimWidth=96\nimHeight=64\nimDir=img1\n")
    (folder / "seq/img1").mkdir()
    for number in range(1, 9):
        (folder / f"seq/img1/{number:06}.jpg").write_bytes(made.pictures["jpg"])
    sets = [{"name": "pictures", "path": str(folder / "train.json")}]
    if rng.random() < 0.5:
        sets.append({"name": "sequence", "path": str(folder / "seq"), "kind": "mot"})
    values = {**made.recipe, "data": {"train": sets, "cache": str(folder.parent / "out" / "cache")}}
    (folder / "recipe.json").write_bytes(dumped(values))
    sheet = str(folder.parent / "out" / "sheet.png")
    return Attack("command", ("data", "check", str(folder / "recipe.json"), "--sheet", sheet))


def eval_tracks(made: Material, rng: random.Random, folder: Path) -> Attack:
    truth, results = material.mot_table(), material.mot_table()
    (folder / "gt").mkdir()
    if rng.random() < 0.5:
        truth = damage_table(truth, rng)
    else:
        results = damage_table(results, rng)
    (folder / "gt/gt.txt").write_text(truth, "utf-8")
    (folder / "seq.txt").write_text(results, "utf-8")
    found = damaged_log(made, rng, folder) if rng.random() < 0.4 else folder / "seq.txt"
    written = str(folder.parent / "out" / "scores.json")
    return Attack("command", ("eval", "tracks", str(folder / "gt/gt.txt"), str(found), "--json", written))


def eval_detections(made: Material, rng: random.Random, folder: Path) -> Attack:
    truth, results = material.coco_truth(), material.coco_results()
    which = rng.random()
    truth = damage_json(truth, rng) if which < 0.6 else truth
    results = damage_json(results, rng) if which > 0.4 else results
    (folder / "truth.json").write_bytes(dumped(truth))
    (folder / "results.json").write_bytes(dumped(results))
    written = str(folder.parent / "out" / "scores.json")
    return Attack(
        "command", ("eval", "detections", str(folder / "truth.json"), str(folder / "results.json"), "--json", written)
    )


TARGETS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        probe, read, detect, sequence, manifest, validate, show, count, edit, export, render, report, checkpoint,
        harmful_pickle, hugging_face, recipe, training_data, eval_tracks, eval_detections,
    )
}  # fmt: skip


@contextmanager
def control() -> Iterator[None]:
    """Makers leave what they take undamaged within this, to show that a target works at all."""
    names = ("damage_bytes", "damage_mp4", "damage_matroska", "damage_json", "damage_lines", "damage_table")
    before = {name: globals()[name] for name in names}
    try:
        globals().update({name: lambda value, *_: value for name in names})
        yield
    finally:
        globals().update(before)
